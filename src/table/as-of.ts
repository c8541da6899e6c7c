/** Which snapshot a read is of: by id, by time, or by the name of a tag or branch. */
import { DataShardError, invalid } from '../errors.ts'
import type { TableMetadata } from '../spec/metadata.ts'
import { currentSchema, currentSnapshot, schemaById, snapshotById } from '../spec/metadata.ts'
import { describeValue } from '../spec/describe.ts'
import { MAX_TIME_MS } from '../spec/json-reader.ts'
import { checkFlag, checkOptions } from '../spec/option-names.ts'
import type { OptionNames } from '../spec/option-names.ts'
import type { Snapshot } from '../spec/snapshot.ts'
import { MAIN_BRANCH } from '../spec/snapshot.ts'
import type { Schema } from '../spec/types.ts'
import type { Moment } from './history.ts'
import { historyOf } from './history.ts'

/** A moment: a Date, an ISO 8601 string (UTC unless it names a zone), or milliseconds since the epoch. */
export type Timestamp = Date | string | number | bigint

export type AsOf =
  | { readonly snapshotId: bigint | number | string }
  | {
      readonly timestamp: Timestamp
      /**
       * Where history was thinned out and the exact snapshot may be gone: take the one before. Default false: an error
       * that names the snapshots before and after.
       */
      readonly nearest?: boolean
    }
  | { readonly ref: string }

const AS_OF: OptionNames<{ snapshotId: unknown; timestamp: unknown; nearest: unknown; ref: unknown }> = {
  snapshotId: true,
  timestamp: true,
  nearest: true,
  ref: true,
}

/** The snapshot to read (undefined: a table without any) and the schema to read it with. */
export interface ResolvedSnapshot {
  readonly snapshot: Snapshot | undefined
  readonly schema: Schema
}

/**
 * Snapshots and tags are read with the schema they were written with, the current state and branches with the table's.
 * `not-found` names what there is; `invalid-argument` for a time that is none.
 */
export function resolveAsOf(metadata: TableMetadata, asOf: AsOf | undefined, where: string): ResolvedSnapshot {
  if (asOf === undefined) return { snapshot: currentSnapshot(metadata), schema: currentSchema(metadata) }
  if (typeof asOf !== 'object' || asOf === null) {
    invalid(`asOf is ${describeValue(asOf)}, expected { snapshotId }, { timestamp } or { ref }`)
  }
  checkOptions<object>('asOf', asOf, AS_OF)
  const named = ['ref', 'snapshotId', 'timestamp'].filter((name) => name in asOf)
  if (named.length > 1) invalid(`asOf names ${named.join(' and ')}, which may be different states; give one of them`)
  if ('ref' in asOf) return resolveRef(metadata, asOf.ref, where)
  if ('snapshotId' in asOf) {
    const snapshotId = parseSnapshotId(asOf.snapshotId)
    const snapshot = snapshotById(metadata, snapshotId)
    if (snapshot) return withOwnSchema(metadata, snapshot)
    throw new DataShardError('not-found', `${where} has no snapshot ${snapshotId}; ${describeSnapshots(metadata)}`)
  }
  if ('timestamp' in asOf) {
    checkFlag('asOf', 'nearest', asOf.nearest)
    return withOwnSchema(metadata, snapshotAt(metadata, asOf.timestamp, asOf.nearest ?? false, where))
  }
  return invalid(`asOf needs one of snapshotId, timestamp and ref; found ${JSON.stringify(Object.keys(asOf))}`)
}

export function parseSnapshotId(value: bigint | number | string): bigint {
  if (typeof value === 'bigint') return value
  if (typeof value === 'number') {
    if (Number.isSafeInteger(value)) return BigInt(value)
    return invalid(`snapshot id ${value} is not exact as a number; snapshot ids are 64-bit: use a bigint`)
  }
  if (typeof value === 'string' && /^\d{1,19}$/.test(value)) return BigInt(value)
  return invalid(`'${String(value)}' is no snapshot id; expected a bigint`)
}

function resolveRef(metadata: TableMetadata, name: string, where: string): ResolvedSnapshot {
  if (typeof name !== 'string') invalid(`ref is ${describeValue(name)}, expected the name of a tag or branch`)
  const ref = Object.hasOwn(metadata.refs, name) ? metadata.refs[name] : undefined
  if (!ref) {
    if (name === MAIN_BRANCH) return { snapshot: undefined, schema: currentSchema(metadata) }
    const names = Object.keys(metadata.refs)
    const known = names.length > 0 ? `there are ${names.join(', ')}` : 'it has none'
    throw new DataShardError('not-found', `${where} has no tag or branch named '${name}'; ${known}`)
  }
  const snapshot = snapshotById(metadata, ref.snapshotId)
  if (!snapshot)
    throw new DataShardError('corrupt', `'${name}' of ${where} names snapshot ${ref.snapshotId}, which is gone`)
  return ref.type === 'tag' ? withOwnSchema(metadata, snapshot) : { snapshot, schema: currentSchema(metadata) }
}

function withOwnSchema(metadata: TableMetadata, snapshot: Snapshot): ResolvedSnapshot {
  const own = snapshot.schemaId === undefined ? undefined : schemaById(metadata, snapshot.schemaId)
  return { snapshot, schema: own ?? currentSchema(metadata) }
}

/**
 * The snapshot that was current on main at a moment, by the times of the table itself, not by anybody's wall clock. Where
 * history was thinned out only the time of a snapshot itself is certain.
 */
function snapshotAt(metadata: TableMetadata, timestamp: Timestamp, nearest: boolean, where: string): Snapshot {
  const atMs = toMs(timestamp)
  const history = historyOf(metadata)
  const index = history.findLastIndex((moment) => moment.timestampMs <= atMs)
  const moment = history[index]
  if (!moment) {
    const first = history[0]
    const begin = first ? `its history begins at ${iso(first.timestampMs)}` : 'it has no snapshot yet'
    throw new DataShardError('not-found', `${where} had no snapshot at ${iso(atMs)}: ${begin}`)
  }
  const isLast = index === history.length - 1
  if (moment.snapshot && (moment.lasts || isLast || moment.timestampMs === atMs)) return moment.snapshot
  const before = history.slice(0, index + 1).findLast((one) => one.snapshot)
  if (nearest && before?.snapshot) return before.snapshot
  throw inGap(
    atMs,
    before,
    history.slice(index + 1).find((one) => one.snapshot),
    where,
  )
}

function inGap(atMs: number, before: Moment | undefined, after: Moment | undefined, where: string): DataShardError {
  const neighbours = [
    before?.snapshot && `${before.snapshot.snapshotId} of ${iso(before.timestampMs)} before it`,
    after?.snapshot && `${after.snapshot.snapshotId} of ${iso(after.timestampMs)} after it`,
  ].filter((text) => text !== undefined)
  const advice = before ? 'say nearest: true to take the one before' : 'read that one by its snapshotId'
  return new DataShardError(
    'not-found',
    `${where} keeps no snapshot of exactly ${iso(atMs)}: its history was thinned out there. There is ` +
      `${neighbours.join(' and ') || 'none left'}; ${advice}`,
    {
      details: {
        before: before?.snapshot && String(before.snapshot.snapshotId),
        after: after?.snapshot && String(after.snapshot.snapshotId),
      },
    },
  )
}

function toMs(timestamp: Timestamp): number {
  const ms =
    timestamp instanceof Date
      ? timestamp.getTime()
      : typeof timestamp === 'string'
        ? parseMoment(timestamp)
        : typeof timestamp === 'number' || typeof timestamp === 'bigint'
          ? Number(timestamp)
          : Number.NaN
  if (!Number.isFinite(ms))
    invalid(`'${String(timestamp)}' is no moment; expected a Date, an ISO 8601 string or milliseconds`)
  return ms
}

const MOMENT = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(?:Z|([+-]\d\d):?(\d\d)?)?)?$/i

/** JavaScript takes a time without a zone for local time, and a blank for the T, which SQL writes, for no ISO 8601. */
function parseMoment(text: string): number {
  const match = MOMENT.exec(text.trim())
  if (!match) return Number.NaN
  const [, date, time = '00:00', hours, minutes = '00'] = match
  return Date.parse(`${date}T${time}${hours === undefined ? 'Z' : `${hours}:${minutes}`}`)
}

function iso(ms: number): string {
  return Math.abs(ms) <= MAX_TIME_MS ? new Date(ms).toISOString() : `${ms} ms`
}

function describeSnapshots(metadata: TableMetadata): string {
  const ids = metadata.snapshots.map((snapshot) => String(snapshot.snapshotId))
  if (ids.length === 0) return 'it has none yet'
  return ids.length <= 5 ? `it has ${ids.join(', ')}` : `it has ${ids.length}, the newest ${ids.at(-1)}`
}
