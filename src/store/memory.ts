/** A store in memory: the reference for what a store does, and the ground that simulations stand on. */
import { DataShardError, throwIfAborted } from '../errors.ts'
import type { Runtime } from '../runtime.ts'
import { systemRuntime } from '../runtime.ts'
import { checkOptions } from '../spec/option-names.ts'
import type { OptionNames } from '../spec/option-names.ts'
import { BodyChunks, joinChunks } from './body.ts'
import { boundsOf, checkRange } from './byte-range.ts'
import type { FaultPlan } from './fault-plan.ts'
import { Faults, LostAnswer } from './fault-plan.ts'
import { checkKey, checkPrefix, compareKeys } from './keys.ts'
import { Observers } from './observers.ts'
import type {
  CallOptions,
  GetOptions,
  HeadOptions,
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
  /** The store's clock, milliseconds since the epoch. Default: the runtime's. */
  readonly now?: () => number
  /** What goes wrong, and when. Default: nothing. */
  readonly faults?: FaultPlan
  /** Default: the real clock. */
  readonly runtime?: Runtime
}

const MEMORY_STORE_OPTIONS: OptionNames<MemoryStoreOptions> = { name: true, now: true, faults: true, runtime: true }

interface StoredObject {
  readonly bytes: Uint8Array
  readonly etag: string
  readonly lastModifiedMs: number
  readonly metadata: Readonly<Record<string, string>>
}

/** Listings are made of pages, as on S3, so that requests count the same. */
const PAGE_KEYS = 1_000

/**
 * A store that forgets everything with the process. Every effect happens in one turn of the event loop.
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
  checkOptions('memoryStore', options, MEMORY_STORE_OPTIONS)
  return new MemoryStore(options)
}

class MemoryStore implements ObjectStore {
  readonly url: string
  readonly conditionalCreate = { trusted: true, endpoint: 'memory' }
  readonly #objects = new Map<string, StoredObject>()
  /** All keys in order; kept beside the map because listing is frequent in simulations. */
  readonly #keys: string[] = []
  readonly #observers = new Observers()
  readonly #faults: Faults
  readonly #runtime: Runtime
  readonly #now: () => number
  #etags = 0

  constructor(options: MemoryStoreOptions) {
    this.url = `memory://${options.name ?? 'store'}`
    this.#runtime = options.runtime ?? systemRuntime
    this.#now = options.now ?? (() => this.#runtime.now())
    this.#faults = new Faults(options.faults, this.#runtime)
  }

  keyOf(url: string): string | undefined {
    if (url.startsWith(`${this.url}/`)) return url.slice(this.url.length + 1)
    const foreign = /^([a-zA-Z][a-zA-Z0-9+.-]*):\/\/(.*)$/s.exec(url)
    if (foreign) return foreign[1] === 'memory' ? undefined : foreign[2]!.replace(/^\//, '')
    return url.startsWith('/') ? url.slice(1) : undefined
  }

  urlOf(key: string): string {
    return `${this.url}/${key}`
  }

  clockOffsetMs(): number {
    return 0
  }

  observe(listener: (event: RequestEvent) => void): () => void {
    return this.#observers.add(listener)
  }

  close(): void {}

  async get(key: string, options: GetOptions = {}): Promise<Uint8Array | undefined> {
    checkKey(key)
    checkRange(options.range)
    throwIfAborted(options.signal, `reading ${key}`)
    return this.#run('GET', key, options.signal, () => {
      const object = options.versionId === undefined ? this.#objects.get(key) : undefined
      if (!object) return [undefined, 404]
      const bytes = object.bytes.slice(...boundsOf(options.range, object.bytes.length))
      return [bytes, options.range ? 206 : 200, bytes.length]
    })
  }

  async head(key: string, options: HeadOptions = {}): Promise<HeadResult | undefined> {
    checkKey(key)
    throwIfAborted(options.signal, `looking for ${key}`)
    return this.#run('HEAD', key, options.signal, () => {
      const object = options.versionId === undefined ? this.#objects.get(key) : undefined
      return object ? [{ ...infoOf(key, object), metadata: object.metadata }, 200] : [undefined, 404]
    })
  }

  async put(key: string, body: PutBody, options: PutOptions = {}): Promise<PutResult> {
    checkKey(key)
    throwIfAborted(options.signal, `writing ${key}`)
    const chunks: Uint8Array[] = []
    for await (const chunk of new BodyChunks(body, `writing ${key}`, options.signal)) chunks.push(chunk)
    const bytes = joinChunks(chunks)
    // Joined chunks are a copy already; anything else is the caller's, who may go on to change it.
    const own = chunks.length === 1 ? bytes.slice() : bytes
    const mode = options.mode ?? 'overwrite'
    try {
      return await this.#run('PUT', key, options.signal, () => this.#write(key, own, options), mode)
    } catch (error) {
      const lost = error instanceof LostAnswer ? error.cause : error
      // Cancelled while it was under way: whether it had its effect is as open as without an answer.
      const open = error instanceof LostAnswer || DataShardError.is(error, 'aborted')
      if (mode === 'overwrite' || !open) throw lost
      return { outcome: 'unknown', cause: lost }
    }
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncIterable<ObjectInfo> {
    checkPrefix(prefix)
    let left = options.limit ?? Infinity
    let after = options.startAfter
    while (left > 0) {
      throwIfAborted(options.signal, `listing ${prefix}`)
      const limit = Math.min(left, PAGE_KEYS)
      const page = await this.#run('LIST', prefix, options.signal, () => [this.#page(prefix, after, limit), 200])
      yield* page.infos
      if (!page.more) return
      left -= page.infos.length
      after = page.infos.at(-1)!.key
    }
  }

  async delete(keys: readonly string[], options: CallOptions = {}): Promise<void> {
    for (const key of keys) checkKey(key)
    for (let at = 0; at < keys.length; at += PAGE_KEYS) {
      throwIfAborted(options.signal, 'deleting')
      const page = keys.slice(at, at + PAGE_KEYS)
      await this.#run('DELETE', page[0]!, options.signal, () => {
        for (const key of page) this.#remove(key)
        return [undefined, 204]
      })
    }
  }

  #write(key: string, bytes: Uint8Array, options: PutOptions): Effect<PutResult> {
    const mode = options.mode ?? 'overwrite'
    const there = this.#objects.get(key)
    if (mode === 'create' ? there : mode !== 'overwrite' && there?.etag !== mode.ifMatch) {
      return [{ outcome: 'precondition-failed' }, 412]
    }
    this.#etags += 1
    const etag = `"${this.#etags.toString(16)}"`
    if (!there) this.#keys.splice(this.#firstAfter(key), 0, key)
    this.#objects.set(key, { bytes, etag, lastModifiedMs: this.#now(), metadata: { ...options.metadata } })
    return [{ outcome: 'written', etag }, 200, bytes.length]
  }

  #remove(key: string): void {
    if (this.#objects.delete(key)) this.#keys.splice(this.#first(key), 1)
  }

  #page(prefix: string, after: string | undefined, limit: number): { infos: ObjectInfo[]; more: boolean } {
    const infos: ObjectInfo[] = []
    const start = after !== undefined && compareKeys(after, prefix) >= 0 ? this.#firstAfter(after) : this.#first(prefix)
    for (let at = start; at < this.#keys.length; at++) {
      const key = this.#keys[at]!
      if (!key.startsWith(prefix)) break
      if (infos.length === limit) return { infos, more: true }
      infos.push(infoOf(key, this.#objects.get(key)!))
    }
    return { infos, more: false }
  }

  /** Index of the first key that is `key` or comes after it. */
  #first(key: string): number {
    let low = 0
    let high = this.#keys.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (compareKeys(this.#keys[middle]!, key) < 0) low = middle + 1
      else high = middle
    }
    return low
  }

  #firstAfter(key: string): number {
    const at = this.#first(key)
    return this.#keys[at] === key ? at + 1 : at
  }

  async #run<T>(
    verb: RequestEvent['verb'],
    key: string,
    signal: AbortSignal | undefined,
    effect: () => Effect<T>,
    mode?: PutOptions['mode'],
  ): Promise<T> {
    const startMs = this.#runtime.monotonic()
    const note = (status: number, bytes: number) =>
      this.#observers.note({ verb, key, status, durationMs: this.#runtime.monotonic() - startMs, bytes })
    try {
      const [value, status, bytes = 0] = await this.#faults.run({ verb, key, ...(mode && { mode }) }, signal, effect)
      note(status, bytes)
      return value
    } catch (error) {
      note(0, 0)
      if (error instanceof LostAnswer && verb !== 'PUT') throw error.cause
      throw error
    }
  }
}

/** What a request does: its value, the HTTP status that goes with it, the bytes that went over the wire. */
type Effect<T> = readonly [value: T, status: number, bytes?: number]

function infoOf(key: string, object: StoredObject): ObjectInfo {
  return { key, size: object.bytes.length, etag: object.etag, lastModifiedMs: object.lastModifiedMs }
}
