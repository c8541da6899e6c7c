/** Idempotency keys of an append: checked, given to rows, and the rows dropped whose keys are in the table already. */
import { createHash } from 'node:crypto'
import { take } from '../codec/column-ops.ts'
import type { ColumnBatch } from '../codec/columns.ts'
import type { ClaimKey, Replay } from '../commit/claims.ts'
import { invalid } from '../errors.ts'
import { describeValue } from '../spec/describe.ts'
import type { Staged } from './stage.ts'

/** A key is hashed, so any text will do; longer ones are a mistake. */
const MAX_KEY_CHARS = 4_096
/** Each key is one request. */
const MAX_KEYS = 10_000

export interface Keys {
  /** Each once. */
  readonly all: readonly ClaimKey[]
  /** The key of each row, where rows have keys of their own. */
  readonly byRow: readonly string[] | undefined
}

/** Keys of an append from within: what is to be kept with a claim, and given back where the key is claimed already. */
export interface ClaimContents {
  /** By key. Other content is no error. */
  readonly claimContents?: ReadonlyMap<string, string>
}

interface KeyOptions extends ClaimContents {
  readonly idempotencyKey?: string
  readonly idempotencyKeys?: readonly string[]
  readonly sameKey?: 'replay' | 'compare'
}

/** @throws `invalid-argument` for keys that are none, or that do not fit the rows. */
export function keysOf(input: unknown, options: KeyOptions): Keys {
  const { idempotencyKey: one, idempotencyKeys: many, sameKey = 'replay' } = options
  if (sameKey !== 'replay' && sameKey !== 'compare') {
    invalid(`sameKey is ${describeValue(sameKey)}, expected 'replay' or 'compare'`)
  }
  if (one !== undefined && many !== undefined) invalid('give idempotencyKey or idempotencyKeys, not both')
  const compare = sameKey === 'compare'
  if (compare && !Array.isArray(input)) invalid(`sameKey: 'compare' needs the rows as an array`)
  if (one !== undefined) {
    checkKey(one, 'idempotencyKey')
    const content = compare ? contentHash(input as readonly unknown[]) : undefined
    return { all: [{ key: one, content, mustMatch: compare }], byRow: undefined }
  }
  if (many === undefined) return { all: [], byRow: undefined }
  const keys = keysByRow(input, many, compare)
  const contents = options.claimContents
  if (contents === undefined) return keys
  return { ...keys, all: keys.all.map(({ key }) => ({ key, content: contents.get(key), mustMatch: false })) }
}

function keysByRow(input: unknown, many: readonly string[], compare: boolean): Keys {
  if (!Array.isArray(many)) invalid(`idempotencyKeys is ${typeof many}, expected an array with a key for each row`)
  if (!Array.isArray(input)) invalid('idempotencyKeys need the rows as an array, a key for each; found other input')
  if (many.length !== input.length)
    invalid(`${many.length} idempotencyKeys for ${input.length} rows; give one for each`)
  if (many.length > MAX_KEYS) invalid(`${many.length} idempotencyKeys in one append; at most ${MAX_KEYS} are allowed`)
  const rows = new Map<string, unknown[]>()
  many.forEach((key, index) => {
    checkKey(key, `idempotencyKeys[${index}]`)
    const group = rows.get(key)
    if (group) group.push(input[index])
    else rows.set(key, [input[index]])
  })
  const all = [...rows].map(([key, group]) => ({
    key,
    content: compare ? contentHash(group) : undefined,
    mustMatch: compare,
  }))
  return { all, byRow: [...many] }
}

function checkKey(key: unknown, where: string): void {
  if (typeof key !== 'string' || key === '') invalid(`${where} is ${describeValue(key)}, expected a text`)
  if (key.length > MAX_KEY_CHARS) invalid(`${where} has ${key.length} characters; at most ${MAX_KEY_CHARS} are allowed`)
  // Hashed as UTF-8, two such keys would be one.
  if (/\p{Surrogate}/u.test(key)) invalid(`${where} holds half of a surrogate pair, which is no text`)
}

/** Equal for rows that are written alike, whatever the order of their columns. */
function contentHash(rows: readonly unknown[]): string {
  return createHash('sha256').update(canonical(rows), 'utf8').digest('hex')
}

function canonical(value: unknown): string {
  if (value === null || value === undefined) return 'null'
  if (typeof value === 'bigint') return `n${value}`
  if (typeof value === 'number') return Number.isSafeInteger(value) ? `n${value}` : `f${value}`
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value !== 'object') return `${typeof value}:${String(value)}`
  if (value instanceof Date) return `d${value.getTime()}`
  if (value instanceof Uint8Array) return `b${Buffer.from(value).toString('base64')}`
  if (value instanceof Map) return `m[${[...value].map(([k, v]) => `${canonical(k)}=${canonical(v)}`).join(',')}]`
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  const fields = Object.entries(value).filter(([, field]) => field !== null && field !== undefined)
  fields.sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${fields.map(([name, field]) => `${JSON.stringify(name)}:${canonical(field)}`).join(',')}}`
}

/** What of an append is not in the table yet. */
export function withoutReplayed(staged: Staged, keys: Keys, replayed: ReadonlyMap<string, Replay>): Staged {
  if (replayed.size === 0 || !keys.all.some(({ key }) => replayed.has(key))) return staged
  const { byRow } = keys
  if (!byRow) return { ...staged, batches: [], written: [], rows: 0 }
  const batches: ColumnBatch[] = []
  let row = 0
  for (const batch of staged.batches) {
    const open: number[] = []
    for (let i = 0; i < batch.length; i++) if (!replayed.has(byRow[row + i]!)) open.push(i)
    row += batch.length
    if (open.length > 0) batches.push(open.length === batch.length ? batch : take(batch, Int32Array.from(open)))
  }
  return { ...staged, batches, rows: batches.reduce((sum, batch) => sum + batch.length, 0) }
}
