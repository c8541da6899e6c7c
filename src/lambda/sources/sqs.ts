/**
 * SQS, standard and FIFO. Messages that come again come in other company, so each has a claim of its own. In a FIFO queue the
 * messages of a group that follow one that failed fail with it.
 */
import { invalid } from '../../errors.ts'
import { describeValue } from '../../spec/describe.ts'
import type { BodyParser } from '../body.ts'
import { parseBase64, parseBody } from '../body.ts'
import { batchItemFailures } from '../outcome.ts'
import type { EventSource, InvocationFacts, Item, Json } from './source.ts'
import { hasRecordsFrom, isJson, recordsOf, textOf, timeOf } from './source.ts'

export const sqs: EventSource = {
  name: 'sqs',
  matches: (event) => hasRecordsFrom(event, (record) => record['eventSource'] === 'aws:sqs'),
  open: (event, facts) => ({
    kind: 'records',
    items: recordsOf(event, 'SQS').map((record, index) => item(record, `Records[${index}]`, facts)),
    redelivery: 'record',
    answer: batchItemFailures,
  }),
}

function item(record: Json, where: string, { nowMs }: InvocationFacts): Item {
  const id = textOf(record, 'messageId', 'SQS', where)
  const arn = textOf(record, 'eventSourceARN', 'SQS', where)
  const attributes = isJson(record['attributes']) ? record['attributes'] : {}
  const group = attributes['MessageGroupId']
  // A standard queue may carry group ids too, for fairness; they promise no order there.
  const isFifo = arn.endsWith('.fifo')
  return {
    id,
    key: `sqs/${arn}/${id}`,
    failure: id,
    order: isFifo && typeof group === 'string' ? group : undefined,
    time: timeOf(attributes['SentTimestamp'], nowMs),
    raw: record,
    body: (parser) => bodyOf(record['body'], parser),
  }
}

/** Producers compress what is near the limit of a message: gzip in base64 begins with these letters, and no JSON does. */
function bodyOf(body: unknown, parser: BodyParser): unknown {
  if (typeof body !== 'string') return invalid(`its body is ${describeValue(body)}, expected a text`)
  const isPacked = body.startsWith('H4sI') && body.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(body)
  return isPacked ? parseBase64(body, parser) : parseBody(body, parser)
}
