import { Duration } from 'aws-cdk-lib'
import { Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch'
import type { IMetric } from 'aws-cdk-lib/aws-cloudwatch'
import type { Ingest } from './ingest.ts'
import type { LakeTable } from './table-access.ts'

/** That of `functions/embedded-metrics.ts` and of `appendHandler`. */
const NAMESPACE = 'DataShard'
const PERIOD = Duration.minutes(5)

/** Of all appends to a table, by whichever function. */
export function sumOf(table: LakeTable, metricName: 'Appends' | 'FailedAppends' | 'Contention'): Metric {
  return metric({ Table: table.location }, metricName, Stats.SUM)
}

/** Creates of a version that an append took. */
export function attemptsOf(table: LakeTable, percentile: number): Metric {
  return metric({ Table: table.location }, 'Attempts', Stats.percentile(percentile))
}

/**
 * How far a source is ahead of the table: the age of the oldest record that waits, in seconds; of Kafka, which knows no ages, how many
 * records of a partition wait. None of HTTP, where nothing waits.
 */
export function waitingOf(
  ingest: Ingest,
): { metric: IMetric; unit: 'seconds' | 'milliseconds' | 'records' } | undefined {
  const how = { period: PERIOD, statistic: Stats.MAXIMUM }
  const { source, queue, stream, function: lambda } = ingest
  if (queue) return { metric: queue.metricApproximateAgeOfOldestMessage(how), unit: 'seconds' }
  if (stream) {
    const dimensionsMap = { DeliveryStreamName: stream.ref }
    const named = { namespace: 'AWS/Firehose', metricName: 'DeliveryToS3.DataFreshness', dimensionsMap }
    return { metric: new Metric({ ...named, ...how }), unit: 'seconds' }
  }
  if (source === 'msk' || source === 'kafka') return { metric: lambda.metric('OffsetLag', how), unit: 'records' }
  if (source === 'url') return undefined
  return { metric: lambda.metric('IteratorAge', how), unit: 'milliseconds' }
}

/** What `appendHandler` calls the events of a source. */
const SOURCE_NAMES = {
  queue: 'sqs',
  topic: 'sqs',
  events: 'sqs',
  kinesis: 'kinesis',
  dynamodb: 'dynamodb',
  s3: 's3',
  msk: 'kafka',
  kafka: 'kafka',
  firehose: 'firehose',
  url: 'http',
} as const

/** Of what a function was given and made of it; `InvocationNumbers` of the package says what each is. */
export function recordsOf(ingest: Ingest, metricName: 'Rows' | 'Rejected' | 'Failed' | 'Stale'): Metric {
  return metric(dimensionsOf(ingest), metricName, Stats.SUM)
}

export function durationOf(ingest: Ingest, metricName: 'AppendMs' | 'FoldSize', percentile: number): Metric {
  return metric(dimensionsOf(ingest), metricName, Stats.percentile(percentile))
}

function dimensionsOf(ingest: Ingest): Record<string, string> {
  return { FunctionName: ingest.function.functionName, Source: SOURCE_NAMES[ingest.source] }
}

function metric(dimensionsMap: Record<string, string>, metricName: string, statistic: string): Metric {
  return new Metric({ namespace: NAMESPACE, metricName, dimensionsMap, statistic, period: PERIOD })
}
