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
import { sqs } from './sqs.ts'

/** In the order in which they are asked; what is nobody's is a direct invocation. */
const SOURCES: readonly EventSource[] = [sqs, kinesis, dynamodb, sns, s3, kafka, firehose, http, eventbridge, direct]

export const SOURCE_NAMES: readonly SourceName[] = SOURCES.map((source) => source.name)

/** @throws `invalid-argument` where the event is not of the only source that is allowed */
export function sourceOf(event: unknown, only: SourceName | undefined): EventSource {
  if (only === undefined) return SOURCES.find((source) => source.matches(event))!
  const source = SOURCES.find(({ name }) => name === only)!
  if (source.matches(event)) return source
  return invalid(
    `the event is ${describeValue(event)}, which is no event of '${only}', the only source that is allowed`,
  )
}
