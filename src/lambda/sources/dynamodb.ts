/** DynamoDB streams: the changes of one shard, in order. */
import { invalid } from '../../errors.ts'
import { ExactNumber } from '../../input/exact-json.ts'
import { describeValue } from '../../spec/describe.ts'
import type { JsonNumbers } from '../body.ts'
import { decodeBase64 } from '../body.ts'
import { batchItemFailures } from '../outcome.ts'
import type { EventSource, InvocationFacts, Item, Json } from './source.ts'
import { hasRecordsFrom, isJson, objectOf, recordsOf, secondsOf, textOf } from './source.ts'

/** The body of a record: what happened to which item. Images are there as far as the stream's view type has them. */
export interface DynamoDbChange {
  readonly eventName: 'INSERT' | 'MODIFY' | 'REMOVE'
  readonly keys: Readonly<Record<string, unknown>>
  readonly newImage: Readonly<Record<string, unknown>> | null
  readonly oldImage: Readonly<Record<string, unknown>> | null
}

export const dynamodb: EventSource = {
  name: 'dynamodb',
  matches: (event) => hasRecordsFrom(event, (record) => record['eventSource'] === 'aws:dynamodb'),
  open: (event, facts) => ({
    kind: 'records',
    items: recordsOf(event, 'DynamoDB').map((record, index) => item(record, `Records[${index}]`, facts)),
    redelivery: 'run',
    answer: batchItemFailures,
  }),
}

function item(record: Json, where: string, { nowMs }: InvocationFacts): Item {
  const change = objectOf(record, 'dynamodb', 'DynamoDB', where)
  const arn = textOf(record, 'eventSourceARN', 'DynamoDB', where)
  const id = textOf(record, 'eventID', 'DynamoDB', where)
  return {
    id,
    key: `dynamodb/${arn}/${id}`,
    failure: textOf(change, 'SequenceNumber', 'DynamoDB', `${where}.dynamodb`),
    // The event does not name its shard; all of it is of one.
    order: arn,
    time: secondsOf(change['ApproximateCreationDateTime'], nowMs),
    raw: record,
    body: ({ numbers }) => ({
      eventName: record['eventName'],
      keys: image(change['Keys'], numbers) ?? {},
      newImage: image(change['NewImage'], numbers),
      oldImage: image(change['OldImage'], numbers),
    }),
  }
}

function image(value: unknown, numbers: JsonNumbers): Json | null {
  if (value === undefined || value === null) return null
  if (!isJson(value)) return invalid(`its image is ${describeValue(value)}, expected attributes`)
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, unmarshal(inner, numbers)]))
}

/**
 * An attribute value as a plain one: sets are arrays, binary is bytes. Numbers have up to 38 digits; those that a double cannot
 * hold are bigints if they are whole, and their text otherwise, which decimal columns take.
 */
export function unmarshal(attribute: unknown, numbers: JsonNumbers): unknown {
  const [tag, value] = (isJson(attribute) ? Object.entries(attribute)[0] : undefined) ?? ['', undefined]
  switch (tag) {
    case 'S':
    case 'BOOL':
    case 'SS':
      return value
    case 'NULL':
      return null
    case 'N':
      return numberOf(value, numbers)
    case 'B':
      return decodeBase64(value)
    case 'NS':
      return listOf(value).map((one) => numberOf(one, numbers))
    case 'BS':
      return listOf(value).map(decodeBase64)
    case 'L':
      return listOf(value).map((one) => unmarshal(one, numbers))
    case 'M':
      return image(value, numbers)
    default:
      return invalid(`found ${describeValue(attribute)}, expected an attribute value of DynamoDB such as { S: 'text' }`)
  }
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : invalid(`found ${describeValue(value)}, expected a list of DynamoDB`)
}

function numberOf(text: unknown, numbers: JsonNumbers): unknown {
  if (typeof text !== 'string' || !/^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text)) {
    return invalid(`found ${describeValue(text)}, expected the text of a number`)
  }
  const value = Number(text)
  const isWhole = /^-?\d+$/.test(text)
  const isExact = isWhole ? Number.isSafeInteger(value) : String(value) === text || text.length <= EXACT_CHARS
  if (isExact) return value
  if (numbers === 'exact') return new ExactNumber(text)
  return isWhole ? BigInt(text) : text
}

/** A double holds any number of 15 digits. */
const EXACT_CHARS = 15
