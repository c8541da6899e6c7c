/** Which source an event is from. */
import { invalid } from '../../errors.ts'
import { describeValue } from '../../spec/describe.ts'
import type { SourceName } from '../record.ts'
import { direct } from './direct.ts'
import { dynamodb } from './dynamodb.ts'
import { eventbridge } from './eventbridge.ts'
import { firehose } from './firehose.ts'
import { http } from './http.ts'
import { kafka } from './kafka.ts'
import { kinesis } from './kinesis.ts'
import { s3 } from './s3.ts'
import { sns } from './sns.ts'
import type { EventSource } from './source.ts'
import { isJson } from './source.ts'
import { sqs } from './sqs.ts'

/** In the order in which they are asked; what is nobody's is a direct invocation. */
const SOURCES: readonly EventSource[] = [sqs, kinesis, dynamodb, sns, s3, kafka, firehose, http, eventbridge, direct]

export const SOURCE_NAMES: readonly SourceName[] = SOURCES.map((source) => source.name)

/**
 * @throws `invalid-argument` where the event is not of the only source that is allowed, or looks like one of an event source without
 * being of any that is known
 */
export function sourceOf(event: unknown, only: SourceName | undefined): EventSource {
  if (only === undefined) {
    const found = SOURCES.find((source) => source.matches(event))!
    if (found === direct) refuseEnvelope(event)
    return found
  }
  const source = SOURCES.find(({ name }) => name === only)!
  if (source.matches(event)) return source
  return invalid(
    `the event is ${describeValue(event)}, which is no event of '${only}', the only source that is allowed`,
  )
}

/** Amazon MQ and DocumentDB say it outside of their records; a record of CloudTrail has another kind of `eventSource`. */
function namedSource({ eventSource, eventSourceArn }: Readonly<Record<string, unknown>>): unknown {
  return typeof eventSource === 'string' && eventSource.startsWith('aws:') ? eventSource : eventSourceArn
}

/** What wraps records in events is no row: taken for one, it would come into a table that takes unknown columns. */
function refuseEnvelope(event: unknown): void {
  if (!isJson(event)) return
  const { Records: records, awslogs } = event
  const isBatch = records !== undefined || ('records' in event && 'deliveryStreamArn' in event)
  const named = namedSource(event) ?? (awslogs === undefined ? undefined : 'awslogs')
  if (!isBatch && named === undefined) return
  const first: unknown = Array.isArray(records) ? records[0] : records
  const source = named ?? (isJson(first) ? (first['eventSource'] ?? first['EventSource']) : undefined)
  const found =
    source === undefined
      ? `its records are ${describeValue(records ?? event['records'])}`
      : `it is of ${describeValue(source)}`
  invalid(
    `the event looks like one of an event source, but of none that is known (${SOURCE_NAMES.join(', ')}): ${found}; nothing was ` +
      `appended. If it is a row of a direct call, say source: 'direct'`,
  )
}
