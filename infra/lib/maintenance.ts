import { Duration } from 'aws-cdk-lib'
import { Rule } from 'aws-cdk-lib/aws-events'
import type { Schedule } from 'aws-cdk-lib/aws-events'
import { LambdaFunction as LambdaTarget } from 'aws-cdk-lib/aws-events-targets'
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda'
import { Construct } from 'constructs'
import { ownFunction } from './bundle.ts'
import { lakeFunction } from './lake-function.ts'
import type { LakeTable } from './table-access.ts'

/** A sweep lists all objects and reads all manifests: minutes on a large table. */
const TIMEOUT_MINUTES = 15
const MEMORY_MIB = 1769

/** The function that sweeps all tables of a lake, by a schedule. */
export class Maintenance extends Construct {
  readonly function: LambdaFunction

  constructor(
    scope: Construct,
    id: string,
    props: { readonly tables: readonly LakeTable[]; readonly schedule: Schedule },
  ) {
    super(scope, id)
    this.function = lakeFunction(this, 'Function', {
      entry: ownFunction('sweep'),
      description: 'Deletes what the tables of the lake do not need any more',
      timeout: Duration.minutes(TIMEOUT_MINUTES),
      memoryMiB: MEMORY_MIB,
      environment: { DATASHARD_TABLES: JSON.stringify(props.tables.map((table) => table.location)) },
      policies: props.tables.map((table) => table.maintainer),
    })
    // What failed is done by the next run; a second attempt at once would meet the same trouble.
    new Rule(this, 'Schedule', {
      schedule: props.schedule,
      targets: [new LambdaTarget(this.function, { retryAttempts: 0 })],
    })
  }
}
