import { CfnOutput, Duration } from 'aws-cdk-lib'
import type { Dashboard } from 'aws-cdk-lib/aws-cloudwatch'
import { Schedule } from 'aws-cdk-lib/aws-events'
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda'
import type { Bucket, IBucket } from 'aws-cdk-lib/aws-s3'
import { Construct } from 'constructs'
import type { AlarmProps } from './alarms.ts'
import { LakeAlarms } from './alarms.ts'
import type { LakeBucketProps } from './bucket.ts'
import { lakeBucket } from './bucket.ts'
import { lakeDashboard } from './dashboard.ts'
import { GlueRegistration } from './glue.ts'
import { Ingest } from './ingest.ts'
import { Maintenance } from './maintenance.ts'
import type { IngestProps } from './sources/source.ts'
import { LakeTable } from './table-access.ts'

const DEFAULT_SWEEP_HOURS = 24

export interface LakeTableProps {
  /** The functions that append to it, by names of letters and digits. A table may have none: others append by its writer policy. */
  readonly ingest?: Readonly<Record<string, IngestProps>>
  /** Key prefix in the bucket. Default: the table's name. */
  readonly prefix?: string
}

export interface DataShardLakeProps extends LakeBucketProps {
  /** By names of letters and digits, beginning with a letter. */
  readonly tables: Readonly<Record<string, LakeTableProps>>
  /** How often the tables are swept, hours. Default 24. */
  readonly sweepEveryHours?: number
  /** The database that shows the tables to Athena; none without. */
  readonly glueDatabase?: string
  readonly alarms?: AlarmProps
}

/**
 * Everything that tables of DataShard need in one stack: a bucket that refuses what would harm them, functions that append what
 * sources bring, the sweep, alarms and a dashboard, and policies for who reads, writes and looks after them.
 *
 * The tables themselves are created by the first writer or by `npx datashard create`: their schemas are no matter of infrastructure.
 *
 * @example
 * ```ts
 * new DataShardLake(stack, 'Lake', {
 *   tables: { events: { ingest: { queue: { source: { kind: 'queue' } }, http: { source: { kind: 'url' } } } } },
 * })
 * ```
 */
export class DataShardLake extends Construct {
  readonly bucket: Bucket
  readonly tables: Readonly<Record<string, LakeTable>>
  /** By table and source: `eventsQueue`. */
  readonly ingests: Readonly<Record<string, Ingest>>
  readonly maintenance: LambdaFunction
  readonly glue: GlueRegistration | undefined
  readonly alarms: LakeAlarms
  readonly dashboard: Dashboard

  constructor(scope: Construct, id: string, props: DataShardLakeProps) {
    super(scope, id)
    const entries = Object.entries(props.tables)
    if (entries.length === 0) throw new Error(`${this.node.path}: a lake needs at least one table`)
    // S3's logs by a policy of the bucket, as new apps have it anyway: without it CDK uses ACLs, which these buckets do not have.
    this.node.setContext('@aws-cdk/aws-s3:serverAccessLogsUseBucketPolicy', true)
    this.bucket = lakeBucket(this, 'Bucket', props)
    new CfnOutput(this, 'BucketName', { value: this.bucket.bucketName })
    this.alarms = new LakeAlarms(this, 'Alarms', props.alarms ?? {})
    const tables: Record<string, LakeTable> = {}
    const ingests: Record<string, Ingest> = {}
    for (const [name, table] of entries) {
      tables[name] = this.#table(name, table)
      for (const [source, ingest] of Object.entries(table.ingest ?? {})) {
        ingests[`${name}${capital(source)}`] = this.#ingest(`${name}${capital(source)}`, tables[name], ingest, props)
      }
    }
    this.tables = tables
    this.ingests = ingests
    const every = Duration.hours(props.sweepEveryHours ?? DEFAULT_SWEEP_HOURS)
    this.maintenance = new Maintenance(this, 'Maintenance', {
      tables: Object.values(tables),
      schedule: Schedule.rate(every),
    }).function
    this.alarms.watchScheduled('Sweep', this.maintenance, every)
    const scheduled: Record<string, LambdaFunction> = { sweep: this.maintenance }
    if (props.glueDatabase !== undefined) {
      this.glue = new GlueRegistration(this, 'Glue', { database: props.glueDatabase, tables: inGlue(tables) })
      this.alarms.watchScheduled('Register', this.glue.function, Duration.minutes(5))
      scheduled['glue'] = this.glue.function
    }
    this.dashboard = lakeDashboard(this, 'Dashboard', { tables, ingests, scheduled, alarms: this.alarms })
  }

  #table(name: string, { prefix = name }: LakeTableProps): LakeTable {
    if (!/^[a-zA-Z][a-zA-Z0-9]*$/.test(name)) {
      throw new Error(`${this.node.path}: table '${name}': a name is letters and digits, beginning with a letter`)
    }
    // A wildcard or an empty prefix would give the roles of one table rights on others.
    if (!/^[\w.=-]+(?:\/[\w.=-]+)*$/.test(prefix)) {
      throw new Error(
        `${this.node.path}: table '${name}': the prefix '${prefix}' must be names with slashes between them`,
      )
    }
    const table = new LakeTable(this, capital(name), { bucket: this.bucket, prefix })
    this.alarms.watchTable(capital(name), table)
    return table
  }

  #ingest(name: string, table: LakeTable, ingest: IngestProps, { encryptionKey }: DataShardLakeProps): Ingest {
    const { location, writer } = table
    const made = new Ingest(this, capital(name), {
      ...ingest,
      location,
      writer,
      encryptionKey,
      bucket: this.bucket as IBucket,
    })
    this.alarms.watchIngest(capital(name), made)
    return made
  }
}

function capital(name: string): string {
  return `${name.slice(0, 1).toUpperCase()}${name.slice(1)}`
}

/** Glue and Athena know names in lower case only. */
function inGlue(tables: Readonly<Record<string, LakeTable>>): Record<string, LakeTable> {
  return Object.fromEntries(Object.entries(tables).map(([name, table]) => [name.toLowerCase(), table]))
}
