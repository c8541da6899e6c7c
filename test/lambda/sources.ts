/** Events of every source that takes several records, from the texts of their bodies. */
import { sample } from './fixture.ts'
import { messages } from './messages.ts'

const base64 = (data: string | Uint8Array) => Buffer.from(data).toString('base64')

interface Records {
  Records: Record<string, Record<string, unknown>>[]
}

/** One record for each body, with ids that count from 1. Bytes are what a source carries as base64. */
export const EVENTS = {
  sqs: (bodies) => messages(Object.fromEntries(bodies.map((body, index) => [`m${index + 1}`, textOf(body)]))),
  kinesis: (bodies) => {
    const [record] = sample<Records>('kinesis').Records
    return {
      Records: bodies.map((body, index) => ({
        ...record,
        eventID: `shardId-000000000000:${index + 1}`,
        kinesis: { ...record!['kinesis'], sequenceNumber: String(index + 1), data: base64(body) },
      })),
    }
  },
  kafka: (bodies) => {
    const event = sample<{ records: Record<string, object[]> }>('msk')
    const [record] = event.records['clicks-0']!
    const records = bodies.map((body, index) => ({ ...record, offset: index + 1, value: base64(body) }))
    return { ...event, records: { 'clicks-0': records } }
  },
  sns: (bodies) => {
    const [record] = sample<Records>('sns').Records
    return {
      Records: bodies.map((body, index) => ({
        ...record,
        Sns: { ...record!['Sns'], MessageId: `n${index + 1}`, Message: textOf(body) },
      })),
    }
  },
  firehose: (bodies) => {
    const event = sample<{ records: object[] }>('firehose')
    const records = bodies.map((body, index) => ({
      ...event.records[0],
      recordId: `f${index + 1}`,
      data: base64(body),
    }))
    return { ...event, records }
  },
} satisfies Record<string, (bodies: readonly (string | Uint8Array)[]) => object>

/** Queues and topics carry text: bytes go as base64 in it. */
function textOf(body: string | Uint8Array): string {
  return typeof body === 'string' ? body : base64(body)
}
