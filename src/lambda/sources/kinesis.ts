/** Kinesis data streams: the records of one shard, in order. */
import { parseBase64 } from '../body.ts'
import { batchItemFailures } from '../outcome.ts'
import type { EventSource, InvocationFacts, Item, Json } from './source.ts'
import { hasRecordsFrom, objectOf, recordsOf, secondsOf, textOf } from './source.ts'

export const kinesis: EventSource = {
  name: 'kinesis',
  matches: (event) => hasRecordsFrom(event, (record) => record['eventSource'] === 'aws:kinesis'),
  open: (event, facts) => ({
    kind: 'records',
    items: recordsOf(event, 'Kinesis').map((record, index) => item(record, `Records[${index}]`, facts)),
    redelivery: 'run',
    answer: batchItemFailures,
  }),
}

function item(record: Json, where: string, { nowMs }: InvocationFacts): Item {
  const data = objectOf(record, 'kinesis', 'Kinesis', where)
  const sequenceNumber = textOf(data, 'sequenceNumber', 'Kinesis', `${where}.kinesis`)
  // `shardId-000000000006:49590338271490256608559692538361571095921575989136588898`
  const id = textOf(record, 'eventID', 'Kinesis', where)
  return {
    id,
    key: `kinesis/${textOf(record, 'eventSourceARN', 'Kinesis', where)}/${id}`,
    failure: sequenceNumber,
    order: id.split(':')[0],
    time: secondsOf(data['approximateArrivalTimestamp'], nowMs),
    raw: record,
    body: (parser) => parseBase64(data['data'], parser),
  }
}
