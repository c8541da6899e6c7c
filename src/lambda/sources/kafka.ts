/** Kafka, of MSK or self-managed: records of several partitions, each in order. */
import { parseBase64 } from '../body.ts'
import { batchItemFailures } from '../outcome.ts'
import type { EventSource, InvocationFacts, Item } from './source.ts'
import { isJson, malformed, timeOf } from './source.ts'

const EVENT_SOURCES: readonly unknown[] = ['aws:kafka', 'SelfManagedKafka']

export const kafka: EventSource = {
  name: 'kafka',
  matches: (event) => isJson(event) && EVENT_SOURCES.includes(event['eventSource']),
  open: (event, facts) => {
    const { records, eventSourceArn, bootstrapServers } = event as Record<string, unknown>
    if (!isJson(records)) return malformed('Kafka', 'records', records, 'an object with a list for each partition')
    const cluster = typeof eventSourceArn === 'string' ? eventSourceArn : serversOf(bootstrapServers)
    return {
      kind: 'records',
      items: Object.entries(records).flatMap(([partition, list]) => {
        if (!Array.isArray(list)) return malformed('Kafka', `records['${partition}']`, list, 'an array')
        return list.map((record: unknown, index) => item(record, `records['${partition}'][${index}]`, cluster, facts))
      }),
      redelivery: 'run',
      answer: batchItemFailures,
    }
  },
}

/** The brokers of a cluster may be named in any order. */
function serversOf(servers: unknown): string {
  return typeof servers === 'string' ? servers.split(',').toSorted().join(',') : ''
}

function item(record: unknown, where: string, cluster: string, { nowMs }: InvocationFacts): Item {
  if (!isJson(record)) return malformed('Kafka', where, record, 'an object')
  const { topic, partition, offset, value } = record
  if (typeof topic !== 'string') return malformed('Kafka', `${where}.topic`, topic, 'a text')
  if (typeof partition !== 'number') return malformed('Kafka', `${where}.partition`, partition, 'a number')
  if (typeof offset !== 'number') return malformed('Kafka', `${where}.offset`, offset, 'a number')
  const order = `${topic}-${partition}`
  const id = `${order}@${offset}`
  return {
    id,
    key: `kafka/${cluster}/${id}`,
    failure: { partition: order, offset },
    order,
    time: timeOf(record['timestamp'], nowMs),
    raw: record,
    // A record without a value (a tombstone) is one all the same; `map` may make of it what it wants.
    body: (parser) => (value === null || value === undefined ? null : parseBase64(value, parser)),
  }
}
