/** What the conformance cases share: a place of their own, bodies, and assertions that say what was found. */
import { DataShardError } from '../errors.ts'
import type { ErrorCode } from '../errors.ts'
import { compareKeys } from './keys.ts'
import type { ListOptions, ObjectInfo, ObjectStore } from './store.ts'

/** One case's view of the store: `at` puts a key where no other case writes. */
export interface Subject {
  readonly store: ObjectStore
  readonly at: (key: string) => string
}

/** Longer than two parts of a multipart upload, whose size is at least 5 MiB and 8 MiB here. */
export const LARGE_BYTES = 21 * 1024 * 1024
const CHUNK_BYTES = 1024 * 1024

export function text(content: string): Uint8Array {
  return new TextEncoder().encode(content)
}

/** `LARGE_BYTES` in chunks, none like the one before; `first` is the first byte. */
export async function* largeBody(first = 0): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; at < LARGE_BYTES; at += CHUNK_BYTES) {
    const bytes = new Uint8Array(CHUNK_BYTES).fill(at / CHUNK_BYTES)
    if (at === 0) bytes[0] = first
    if (at + CHUNK_BYTES === LARGE_BYTES) bytes.set(lastBytes(), CHUNK_BYTES - lastBytes().length)
    yield bytes
  }
}

export function lastBytes(): Uint8Array {
  return Uint8Array.of(1, 2, 3, 255)
}

export async function joined(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all = new Uint8Array(LARGE_BYTES)
  let at = 0
  for await (const chunk of body) {
    all.set(chunk, at)
    at += chunk.length
  }
  return all
}

export async function collect(store: ObjectStore, prefix: string, options?: ListOptions): Promise<ObjectInfo[]> {
  const found: ObjectInfo[] = []
  for await (const info of store.list(prefix, options)) found.push(info)
  return found
}

export async function keysOf(store: ObjectStore, prefix: string, options?: ListOptions): Promise<string[]> {
  return (await collect(store, prefix, options)).map((info) => info.key)
}

export function inOrder(keys: readonly string[]): string[] {
  return keys.toSorted(compareKeys)
}

export function expect(condition: boolean, wanted: string, found: unknown): asserts condition {
  if (!condition) throw new Error(`expected ${wanted}; found ${shown(found)}`)
}

/** That the call rejects with this code. */
export async function expectRefusal(code: ErrorCode, call: () => Promise<unknown>, what: string): Promise<void> {
  const error = await call().then(
    () => 'no error',
    (caught: unknown) => caught,
  )
  expect(DataShardError.is(error, code), `the error '${code}' from ${what}`, error)
}

export function expectBytes(found: Uint8Array | undefined, wanted: Uint8Array): void {
  const same = found !== undefined && Buffer.compare(found, wanted) === 0
  expect(same, `${wanted.length} bytes ${preview(wanted)}`, found && `${found.length} bytes ${preview(found)}`)
}

export function expectKeys(found: readonly string[], wanted: readonly string[]): void {
  if (found.length === wanted.length && found.every((key, index) => key === wanted[index])) return
  const at = wanted.findIndex((key, index) => key !== found[index])
  const few = (keys: readonly string[]) =>
    `${keys.length} keys, from number ${at} on ${JSON.stringify(keys.slice(at, at + 10))}`
  expect(false, few(wanted), few(found))
}

function preview(bytes: Uint8Array): string {
  return JSON.stringify(new TextDecoder().decode(bytes.subarray(0, 40)))
}

function shown(value: unknown): string {
  if (value instanceof Error) return `${value.name}: ${value.message}`
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value))
}
