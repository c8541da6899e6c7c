/** What every event source is to the handler: records with names, what is claimed for them, and an answer. */
import type { DataShardError } from '../../errors.ts'
import { invalid } from '../../errors.ts'
import { describeValue } from '../../spec/describe.ts'
import type { BodyParser } from '../body.ts'
import type { ObjectName } from '../object-bytes.ts'
import type { Outcome } from '../outcome.ts'
import type { SourceName } from '../record.ts'

/** A record of an event that has not been looked into. */
export interface Item {
  readonly id: string
  /** The name of its idempotency key: unique over all sources that append to one table. */
  readonly key: string
  /** How the answer names it. */
  readonly failure: unknown
  /** None of the records with the same order may overtake another; undefined where there is no order. */
  readonly order: string | undefined
  readonly time: Date
  readonly raw: unknown
  /** The body; anew each time, so that who takes it may change it. @throws `invalid-argument` if it cannot be read. */
  body(parser: BodyParser): unknown
}

/**
 * What a redelivery brings again: each record in whatever company (`record`), a run of records from the first that was not
 * acknowledged (`run`, see runs.ts), or all that there was (`call`).
 */
export type Redelivery = 'record' | 'run' | 'call'

/** An event, taken apart. */
export interface Delivery {
  readonly kind: 'records'
  readonly items: readonly Item[]
  readonly redelivery: Redelivery
  /** The key of a `call`; none if the caller gave none and nothing else can tell a repetition. */
  readonly call?: { readonly key: string; readonly content?: string } | undefined
  /** Nothing is committed if one record is refused: the source can say neither that some failed nor which. */
  readonly allOrNothing?: boolean
  /** What the source expects; throws where it knows no other way to say that something failed. */
  answer(outcome: Outcome): unknown
}

/** An object of a bucket that an event is about: its rows are appended together, under one key, or not at all. */
export interface ObjectItem extends Omit<Item, 'body' | 'order'> {
  /** Undefined if the notification names none, or of none that is there. */
  readonly object: ObjectName | undefined
  /** Why the notification cannot be followed. */
  readonly problem?: DataShardError
}

export interface ObjectDelivery {
  readonly kind: 'objects'
  readonly items: readonly ObjectItem[]
  answer(outcome: Outcome): unknown
}

/** What an invocation has beside its event. */
export interface InvocationFacts {
  readonly requestId: string
  readonly nowMs: number
  readonly limits: Limits
  /** What becomes of records of Firehose that are in the table. */
  readonly firehose: 'pass' | 'drop'
}

/** Bounds on what comes from outside. */
export interface Limits {
  /** Of one body or record after it was unpacked, and of one HTTP request. */
  readonly maxUnpackedBytes: number
  /** Of one HTTP request before. */
  readonly maxBodyBytes: number
}

export interface EventSource {
  readonly name: SourceName
  matches(event: unknown): boolean
  /** @throws `invalid-argument` for an event that is not one of this source. */
  open(event: unknown, facts: InvocationFacts): Delivery | ObjectDelivery | Promise<Delivery>
  /** The answer to an event that could not be opened, or that failed as a whole; without it the error is thrown. */
  refuse?(event: unknown, error: unknown): unknown
}

export type Json = Readonly<Record<string, unknown>>

export function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The records of an event, each an object. @throws `invalid-argument` */
export function recordsOf(event: unknown, source: string, name = 'Records'): readonly Json[] {
  const records = isJson(event) ? event[name] : undefined
  if (!Array.isArray(records)) return malformed(source, name, records, 'an array')
  records.forEach((record, index) => {
    if (!isJson(record)) malformed(source, `${name}[${index}]`, record, 'an object')
  })
  return records as readonly Json[]
}

export function hasRecordsFrom(event: unknown, test: (record: Json) => boolean): boolean {
  if (!isJson(event) || !Array.isArray(event['Records'])) return false
  // An empty batch is of any of these sources.
  if (event['Records'].length === 0) return true
  const first: unknown = event['Records'][0]
  return isJson(first) && test(first)
}

/** A text that the source always sends. */
export function textOf(record: Json, name: string, source: string, where: string): string {
  const value = record[name]
  return typeof value === 'string' && value !== '' ? value : malformed(source, `${where}.${name}`, value, 'a text')
}

export function objectOf(record: Json, name: string, source: string, where: string): Json {
  const value = record[name]
  return isJson(value) ? value : malformed(source, `${where}.${name}`, value, 'an object')
}

export function malformed(source: string, path: string, found: unknown, expected: string): never {
  return invalid(
    `the event is no ${source} event: ${path} is ${describeValue(found)}, expected ${expected}; nothing of it was appended`,
    { source, path },
  )
}

/** A date from seconds with fractions, as Kinesis and DynamoDB have it. */
export function secondsOf(value: unknown, nowMs: number): Date {
  return timeOf(typeof value === 'number' ? Math.round(value * 1_000) : value, nowMs)
}

/** A date from milliseconds as text or number, or from ISO text; now if it is neither. */
export function timeOf(value: unknown, nowMs: number): Date {
  const ms = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value
  const date = typeof ms === 'number' || typeof ms === 'string' ? new Date(ms) : new Date(Number.NaN)
  return Number.isNaN(date.getTime()) ? new Date(nowMs) : date
}
