/** SNS. It knows no partial failure: an error makes Lambda call again, and in the end the function's dead-letter queue. */
import { parseBody } from '../body.ts'
import { failureOf } from '../outcome.ts'
import type { EventSource, InvocationFacts, Item, Json } from './source.ts'
import { hasRecordsFrom, objectOf, recordsOf, textOf, timeOf } from './source.ts'

export const sns: EventSource = {
  name: 'sns',
  matches: (event) => hasRecordsFrom(event, (record) => record['EventSource'] === 'aws:sns'),
  open: (event, facts) => ({
    kind: 'records',
    items: recordsOf(event, 'SNS').map((record, index) => item(record, `Records[${index}]`, facts)),
    redelivery: 'record',
    answer: throwFailure,
  }),
}

function item(record: Json, where: string, { nowMs }: InvocationFacts): Item {
  const message = objectOf(record, 'Sns', 'SNS', where)
  const id = textOf(message, 'MessageId', 'SNS', `${where}.Sns`)
  const text = message['Message']
  return {
    id,
    key: `sns/${textOf(message, 'TopicArn', 'SNS', `${where}.Sns`)}/${id}`,
    failure: id,
    order: undefined,
    time: timeOf(message['Timestamp'], nowMs),
    raw: record,
    body: (parser) => parseBody(typeof text === 'string' ? text : '', parser),
  }
}

/** Where an error is all that a source understands. */
export function throwFailure(outcome: Parameters<typeof failureOf>[0]): undefined {
  const failure = failureOf(outcome)
  if (failure) throw failure
  return undefined
}
