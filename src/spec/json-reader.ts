/** Reading JSON that somebody else wrote: every accessor knows where it is and says what is wrong there. */
import { describeValue } from './describe.ts'
import type { Unknown } from './snapshot.ts'

/** A place in a JSON document, and what to do when something is wrong at it. */
export interface At {
  /** `snapshots[3]`; empty for the document itself. */
  readonly path: string
  /** Reports `message`, which already names the place. */
  readonly fail: (message: string) => never
}

export type JsonObject = Readonly<Record<string, unknown>>

export function atKey(at: At, key: string): At {
  return { path: at.path === '' ? key : `${at.path}.${key}`, fail: at.fail }
}

export function atIndex(at: At, index: number): At {
  return { path: `${at.path}[${index}]`, fail: at.fail }
}

/** Fails at a place: "schemas[0].fields[2].id: found 'x' (string), expected an integer". */
export function wrong(at: At, found: unknown, expected: string): never {
  return at.fail(`${at.path === '' ? '' : `${at.path}: `}found ${describeValue(found)}, expected ${expected}`)
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function asObject(value: unknown, at: At): JsonObject {
  return isObject(value) ? value : wrong(at, value, 'an object')
}

export function asArray(value: unknown, at: At): readonly unknown[] {
  return Array.isArray(value) ? value : wrong(at, value, 'an array')
}

export function stringField(object: JsonObject, key: string, at: At): string {
  const value = object[key]
  return typeof value === 'string' ? value : wrong(atKey(at, key), value, 'a string')
}

export function booleanField(object: JsonObject, key: string, at: At): boolean {
  const value = object[key]
  return typeof value === 'boolean' ? value : wrong(atKey(at, key), value, 'a boolean')
}

/** An integer that a double holds exactly, at least `min`. */
export function integerField(object: JsonObject, key: string, at: At, min = 0): number {
  const value = object[key]
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= min) return value
  return wrong(atKey(at, key), value, min === 0 ? 'an integer, 0 or more' : `an integer, ${min} or more`)
}

/** The highest id of a schema, a field, a partition spec or a sort order: they are Iceberg ints. */
export const MAX_INT = 2_147_483_647

/** An id: a 32-bit integer, 0 or more. */
export function idField(object: JsonObject, key: string, at: At): number {
  const value = object[key]
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MAX_INT) return value
  return wrong(atKey(at, key), value, `an integer from 0 to ${MAX_INT}`)
}

/** The last moment that a Date can hold, milliseconds since the epoch; the first is as far before it. */
export const MAX_TIME_MS = 8_640_000_000_000_000

/** A moment in milliseconds since the epoch. */
export function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && Math.abs(value) <= MAX_TIME_MS
}

/** The same, of an object. */
export function timeField(object: JsonObject, key: string, at: At): number {
  const value = object[key]
  return isTime(value) ? value : wrong(atKey(at, key), value, 'a time, in milliseconds since 1970')
}

/** A 64-bit integer, at least `min`. */
export function longField(object: JsonObject, key: string, at: At, min = -MAX_LONG - 1n): bigint {
  const value = object[key]
  const isLong = typeof value === 'bigint' || (typeof value === 'number' && Number.isSafeInteger(value))
  const long = isLong ? BigInt(value) : undefined
  if (long !== undefined && long >= min && long <= MAX_LONG) return long
  return wrong(atKey(at, key), value, `a 64-bit integer${min === 0n ? ', 0 or more' : ''}`)
}

/** The highest sequence number or row id. */
export const MAX_LONG = 9_223_372_036_854_775_807n

/** Whether a field is there with a value: an explicit null counts as absent, as it does in Iceberg's own readers. */
export function has(object: JsonObject, key: string): boolean {
  const value = object[key]
  return value !== undefined && value !== null
}

/** The fields that are not in `known`, to be handed on as they are; undefined if there are none. */
export function unknownFields(object: JsonObject, known: ReadonlySet<string>): Unknown | undefined {
  let unknown: Record<string, unknown> | undefined
  for (const key of Object.keys(object)) {
    if (known.has(key)) continue
    unknown ??= {}
    setOwn(unknown, key, object[key])
  }
  return unknown
}

/** Sets a property even if it is called `__proto__`. */
export function setOwn(target: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__') {
    Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true })
  } else target[key] = value
}

/** A 64-bit integer as JSON holds it: a number where that is exact, else a bigint. */
export function longToJson(value: bigint): number | bigint {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}
