import { Duration, Stack, Token } from 'aws-cdk-lib'
import { Rule, Schedule } from 'aws-cdk-lib/aws-events'
import { LambdaFunction as LambdaTarget } from 'aws-cdk-lib/aws-events-targets'
import { CfnDatabase } from 'aws-cdk-lib/aws-glue'
import { ManagedPolicy, PolicyStatement } from 'aws-cdk-lib/aws-iam'
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda'
import { Construct } from 'constructs'
import { ownFunction } from './bundle.ts'
import { lakeFunction } from './lake-function.ts'
import type { LakeTable } from './table-access.ts'

const TIMEOUT_SECONDS = 50
const MEMORY_MIB = 512

export interface GlueRegistrationProps {
  /** Lower case letters, digits and underscores. */
  readonly database: string
  /** By the name that each gets in Glue. */
  readonly tables: Readonly<Record<string, LakeTable>>
}

/**
 * Shows the tables to Athena and other readers of Glue. Glue knows one metadata file per table, and DataShard writes a new one with
 * each commit: a function moves the pointer once a minute, only forward. Reading only: see docs/security.md on why nothing
 * may commit through Glue.
 */
export class GlueRegistration extends Construct {
  readonly function: LambdaFunction

  constructor(scope: Construct, id: string, props: GlueRegistrationProps) {
    super(scope, id)
    const { database, tables } = props
    if (!Token.isUnresolved(database) && !/^[a-z0-9_]{1,255}$/.test(database)) {
      throw new Error(`glue database '${database}': Athena wants lower case letters, digits and underscores`)
    }
    const stack = Stack.of(this)
    new CfnDatabase(this, 'Database', { catalogId: stack.account, databaseInput: { name: database } })
    const arn = (resource: string) => stack.formatArn({ service: 'glue', resource })
    const policy = new ManagedPolicy(this, 'Registrar', {
      statements: [
        new PolicyStatement({
          actions: ['glue:GetTable', 'glue:CreateTable', 'glue:UpdateTable'],
          resources: [
            arn('catalog'),
            arn(`database/${database}`),
            ...Object.keys(tables).map((name) => arn(`table/${database}/${name}`)),
          ],
        }),
      ],
    })
    const locations = Object.entries(tables).map(([name, table]) => [name, table.location])
    this.function = lakeFunction(this, 'Function', {
      entry: ownFunction('register'),
      description: 'Moves the metadata_location of Glue to the newest versions',
      timeout: Duration.seconds(TIMEOUT_SECONDS),
      memoryMiB: MEMORY_MIB,
      environment: {
        DATASHARD_GLUE_DATABASE: database,
        DATASHARD_REGISTERED: JSON.stringify(Object.fromEntries(locations)),
      },
      policies: [policy, ...Object.values(tables).map((table) => table.reader)],
    })
    const target = new LambdaTarget(this.function, { retryAttempts: 0 })
    new Rule(this, 'Schedule', { schedule: Schedule.rate(Duration.minutes(1)), targets: [target] })
  }
}
