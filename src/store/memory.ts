/** A store in memory: the reference for what a store does, and the ground that simulations stand on. */
import { invalid, throwIfAborted } from '../errors.ts'
import type {
  ByteRange,
  CallOptions,
  GetOptions,
  HeadResult,
  ListOptions,
  ObjectInfo,
  ObjectStore,
  PutBody,
  PutOptions,
  PutResult,
  RequestEvent,
} from './store.ts'

export interface MemoryStoreOptions {
  /** Names the store in its URL: `memory://name`. Default `store`. */
  readonly name?: string
  /** The store's clock, milliseconds since the epoch. Default: a counter that starts at the epoch. */
  readonly now?: () => number
}

interface StoredObject {
  readonly bytes: Uint8Array
  readonly etag: string
  readonly lastModifiedMs: number
  readonly metadata: Readonly<Record<string, string>>
}

/**
 * A store that forgets everything with the process.
 *
 * @example
 * ```ts
 * import { memoryStore } from 'datashard/store'
 *
 * const store = memoryStore()
 * await store.put('a/b', new TextEncoder().encode('hello'), { mode: 'create' })
 * ```
 */
export function memoryStore(options: MemoryStoreOptions = {}): ObjectStore {
  const url = `memory://${options.name ?? 'store'}`
  const objects = new Map<string, StoredObject>()
  const listeners = new Set<(event: RequestEvent) => void>()
  let counter = 0
  const note = (verb: RequestEvent['verb'], key: string, status: number, bytes = 0) => {
    for (const listener of listeners) listener({ verb, key, status, durationMs: 0, bytes })
  }
  const now = options.now ?? (() => counter)

  async function put(key: string, body: PutBody, put: PutOptions = {}): Promise<PutResult> {
    checkKey(key)
    throwIfAborted(put.signal, `writing ${key}`)
    const bytes = body instanceof Uint8Array ? body.slice() : await collect(body, put.signal)
    const mode = put.mode ?? 'overwrite'
    const there = objects.get(key)
    if (mode === 'create' ? there : mode !== 'overwrite' && there?.etag !== mode.ifMatch) {
      note('PUT', key, 412)
      return { outcome: 'precondition-failed' }
    }
    counter += 1
    const etag = `"${counter.toString(16)}"`
    objects.set(key, { bytes, etag, lastModifiedMs: now(), metadata: { ...put.metadata } })
    note('PUT', key, 200, bytes.length)
    return { outcome: 'written', etag }
  }

  async function* list(prefix: string, listed: ListOptions = {}): AsyncIterable<ObjectInfo> {
    throwIfAborted(listed.signal, `listing ${prefix}`)
    note('LIST', prefix, 200)
    const keys = [...objects.keys()].filter((key) => key.startsWith(prefix)).toSorted(compareKeys)
    const after = listed.startAfter
    const wanted = after === undefined ? keys : keys.filter((key) => compareKeys(key, after) > 0)
    for (const key of wanted.slice(0, listed.limit ?? wanted.length)) {
      throwIfAborted(listed.signal, `listing ${prefix}`)
      const object = objects.get(key)
      if (object) yield info(key, object)
    }
  }

  return {
    url,
    keyOf: (path) => path.replace(/^(?:memory:\/\/[^/]*|[a-z0-9]+:\/\/|\/)\/?/, ''),
    urlOf: (key) => `${url}/${key}`,
    conditionalCreate: { trusted: true, endpoint: 'memory' },
    clockOffsetMs: () => 0,
    close: () => {},
    observe: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    get: async (key: string, options: GetOptions = {}) => {
      checkKey(key)
      throwIfAborted(options.signal, `reading ${key}`)
      const object = objects.get(key)
      note('GET', key, object ? 200 : 404, object?.bytes.length)
      return object && cut(object.bytes, options.range)
    },
    put,
    head: async (key: string, options: CallOptions = {}): Promise<HeadResult | undefined> => {
      throwIfAborted(options.signal, `looking for ${key}`)
      const object = objects.get(key)
      note('HEAD', key, object ? 200 : 404)
      return object && { ...info(key, object), metadata: object.metadata }
    },
    list,
    delete: async (keys: readonly string[], options: CallOptions = {}) => {
      throwIfAborted(options.signal, 'deleting')
      for (const key of keys) {
        objects.delete(key)
      }
      note('DELETE', keys[0] ?? '', 204)
    },
  }
}

function info(key: string, object: StoredObject): ObjectInfo {
  return { key, size: object.bytes.length, etag: object.etag, lastModifiedMs: object.lastModifiedMs }
}

function cut(bytes: Uint8Array, range: ByteRange | undefined): Uint8Array {
  if (!range) return bytes.slice()
  if ('suffix' in range) return bytes.slice(Math.max(0, bytes.length - range.suffix))
  return bytes.slice(range.start, range.end ?? bytes.length)
}

async function collect(body: AsyncIterable<Uint8Array>, signal: AbortSignal | undefined): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const chunk of body) {
    throwIfAborted(signal, 'writing')
    chunks.push(chunk)
  }
  const all = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0))
  let at = 0
  for (const chunk of chunks) {
    all.set(chunk, at)
    at += chunk.length
  }
  return all
}

function checkKey(key: string): void {
  const bytes = new TextEncoder().encode(key).length
  if (bytes === 0 || bytes > 1024) invalid(`a key of ${bytes} bytes; stores take 1 to 1,024`)
}

/** By UTF-8 bytes, which is the order of code points and not that of JavaScript's UTF-16 units. */
export function compareKeys(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other))
}

