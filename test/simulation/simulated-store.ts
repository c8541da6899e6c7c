/**
 * The store as one process sees it: each request travels to the shared objects and back, and what happens on its way is
 * drawn from the seed. Towards the library it keeps the contract of `ObjectStore` as the S3 store does: unconditional
 * requests are repeated by the retry policy and throw `unavailable` in the end; a conditional put is sent once, and is
 * `unknown` when no answer came that says anything.
 */
import { setMaxListeners } from 'node:events'
import { DataShardError, throwIfAborted } from '../../src/errors.ts'
import { ClockOffset } from '../../src/store/clock-offset.ts'
import { Observers } from '../../src/store/observers.ts'
import { withRetries } from '../../src/store/retry.ts'
import type {
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
} from '../../src/store/store.ts'
import type { Chance } from './chance.ts'
import type { Ground } from './ground.ts'
import { statusOf, unavailable } from './ground.ts'
import type { Fate, NetworkProfile } from './network.ts'
import { fateOf, lateness } from './network.ts'
import type { SimulatedProcess } from './process.ts'
import { joinChunks } from '../../src/store/body.ts'
import type { Scheduler } from './scheduler.ts'

/** As the S3 store's. */
const REQUEST_TIMEOUT_MS = 10_000
const DELETE_KEYS = 1_000

export interface SimulatedStoreOptions {
  readonly ground: Ground
  readonly scheduler: Scheduler
  readonly process: SimulatedProcess
  readonly chance: Chance
  readonly network: NetworkProfile
  /** Keys in a page of a listing. */
  readonly pageKeys: number
}

type Verb = RequestEvent['verb']

interface Request<T> {
  readonly verb: Verb
  readonly key: string
  readonly signal: AbortSignal | undefined
  readonly effect: () => Promise<T>
  readonly status: (value: T) => string
}

/** Throws `unavailable` where it was never sent; a symbol where nobody knows. */
class NoAnswer extends Error {
  readonly error: DataShardError
  constructor(error: DataShardError) {
    super(error.message)
    this.error = error
  }
}

export class SimulatedStore implements ObjectStore {
  readonly url: string
  readonly conditionalCreate = { trusted: true, endpoint: 'simulation' }
  readonly #options: SimulatedStoreOptions
  readonly #observers = new Observers()
  readonly #clock = new ClockOffset()

  constructor(options: SimulatedStoreOptions) {
    this.#options = options
    this.url = options.ground.store.url
  }

  keyOf(url: string): string | undefined {
    return this.#options.ground.store.keyOf(url)
  }

  urlOf(key: string): string {
    return this.#options.ground.store.urlOf(key)
  }

  clockOffsetMs(): number {
    return this.#clock.ms
  }

  observe(listener: (event: RequestEvent) => void): () => void {
    return this.#observers.add(listener)
  }

  close(): void {}

  get(key: string, options: GetOptions = {}): Promise<Uint8Array | undefined> {
    const { store } = this.#options.ground
    return this.#retried({
      verb: 'GET',
      key,
      signal: options.signal,
      effect: () => store.get(key, { range: options.range }),
      status: (bytes) => (bytes ? `200 ${bytes.length}` : '404'),
    })
  }

  head(key: string, options: CallOptions = {}): Promise<HeadResult | undefined> {
    const { store } = this.#options.ground
    const status = (found: HeadResult | undefined) => (found ? '200' : '404')
    return this.#retried({ verb: 'HEAD', key, signal: options.signal, effect: () => store.head(key), status })
  }

  async put(key: string, body: PutBody, options: PutOptions = {}): Promise<PutResult> {
    const { ground, process } = this.#options
    throwIfAborted(options.signal, `writing ${key}`)
    const bytes = await bytesOf(body)
    const effect = () => ground.put(process.name, key, bytes, options)
    const request: Request<PutResult> = { verb: 'PUT', key, signal: options.signal, effect, status: statusOf }
    if ((options.mode ?? 'overwrite') === 'overwrite') return this.#retried(request)
    // Sent once; only what was never sent is tried again.
    return withRetries(process.runtime, options.signal, async () => {
      try {
        return await this.#once(request)
      } catch (error) {
        if (error instanceof NoAnswer) return { outcome: 'unknown', cause: error.error }
        throw error
      }
    })
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncIterable<ObjectInfo> {
    const { ground, pageKeys } = this.#options
    let left = options.limit ?? Infinity
    let startAfter = options.startAfter
    while (left > 0) {
      // One more than the page holds tells whether there is another.
      const limit = Math.min(left, pageKeys)
      const after = startAfter
      const page = await this.#retried<ObjectInfo[]>({
        verb: 'LIST',
        key: prefix,
        signal: options.signal,
        effect: () => collect(ground.store.list(prefix, { limit: limit + 1, startAfter: after })),
        status: (infos) => `200 ${Math.min(limit, infos.length)} keys`,
      })
      const infos = page.slice(0, limit)
      yield* infos
      if (page.length <= limit) return
      left -= infos.length
      startAfter = infos.at(-1)!.key
    }
  }

  async delete(keys: readonly string[], options: CallOptions = {}): Promise<void> {
    const { store } = this.#options.ground
    for (let at = 0; at < keys.length; at += DELETE_KEYS) {
      const some = keys.slice(at, at + DELETE_KEYS)
      const effect = () => store.delete(some)
      const status = () => `204 ${some.length} keys`
      await this.#retried({ verb: 'DELETE', key: some[0]!, signal: options.signal, effect, status })
    }
  }

  #retried<T>(request: Request<T>): Promise<T> {
    return withRetries(this.#options.process.runtime, request.signal, async () => {
      throwIfAborted(request.signal, `${request.verb} ${request.key}`)
      try {
        return await this.#once(request)
      } catch (error) {
        throw error instanceof NoAnswer ? error.error : error
      }
    })
  }

  /** One request on its way to the store and back. */
  #once<T>(request: Request<T>): Promise<T> {
    const { process, scheduler, chance, network, ground } = this.#options
    const fate = fateOf(network, chance, scheduler.nowMs)
    const what = `${request.verb} ${request.key}`
    const sentMs = process.runtime.now()
    const stops = process.stops
    ground.requests += 1
    return new Promise<T>((resolve, reject) => {
      let over = false
      const end = (then: () => void) => {
        if (over) return
        over = true
        request.signal?.removeEventListener('abort', onAbort)
        then()
      }
      const fail = (error: Error) => end(() => reject(error))
      let linger = () => undefined as void
      const onAbort = () => {
        if (chance.is(network.lingering)) linger()
        fail(aborted(request, what))
      }
      // Many requests of one scan share its signal.
      if (request.signal) setMaxListeners(0, request.signal)
      request.signal?.addEventListener('abort', onAbort, { once: true })
      const noAnswer = () => fail(new NoAnswer(unavailable(what)))
      const answer = (value: T) => {
        // A connection seldom survives that its process was stopped for long.
        if (process.stops > stops && chance.is(0.5)) return noAnswer()
        end(() => {
          this.#learn(sentMs)
          this.#observers.note({ verb: request.verb, key: request.key, status: 200, durationMs: 0, bytes: 0 })
          resolve(value)
        })
      }
      const refused = () => fail(fate.answer === 'refused' ? unavailable(what) : new NoAnswer(unavailable(what)))
      if (fate.answer === 'none') process.after(REQUEST_TIMEOUT_MS, noAnswer)
      else if (fate.answer !== 'value') process.after((fate.arrivesMs ?? fate.backMs) + fate.backMs, refused)
      linger = this.#travel(request, fate, (value) => {
        if (fate.answer === 'value') process.after(fate.backMs, () => answer(value))
      })
    })
  }

  /** The way there, the effect, and the effects that nobody asked for. What comes back makes it arrive later, if it has not yet. */
  #travel<T>(request: Request<T>, fate: Fate, done: (value: T) => void): () => void {
    const { process, scheduler, ground, chance } = this.#options
    if (fate.arrivesMs === undefined) return () => undefined
    const apply = async (how: string): Promise<T> => {
      const value = await request.effect()
      ground.note(process.name, `${request.verb} ${request.key} ${request.status(value)}${how}`)
      return value
    }
    const arrive = async () => {
      let value = await apply('')
      if (fate.echoed) value = await apply(' echo')
      if (fate.againMs !== undefined) scheduler.after(fate.againMs, () => void apply(' again'))
      done(value)
    }
    let isThere = false
    const reach = () => {
      isThere = true
      // What still lay in the process when it was stopped is sent when it wakes, and never if it died.
      if (fate.buffered && (process.isStopped || process.isDead)) process.deliver(() => void arrive())
      else void arrive()
    }
    const forget = scheduler.after(fate.arrivesMs, reach)
    return () => {
      forget()
      if (!isThere) scheduler.after(lateness(chance), reach)
    }
  }

  /** The `Date` header: whole seconds. */
  #learn(sentMs: number): void {
    const storeMs = Math.floor(this.#options.ground.clockMs() / 1_000) * 1_000
    const receivedMs = this.#options.process.runtime.now()
    this.#clock.learn({ storeMs, resolutionMs: 1_000, sentMs, receivedMs })
  }
}

/** Cancelled while it was under way: of a conditional put nobody knows what it did. */
function aborted<T>(request: Request<T>, what: string): Error {
  const error = new DataShardError('aborted', `${what} was cancelled`, { cause: request.signal?.reason })
  return request.verb === 'PUT' ? new NoAnswer(error) : error
}

async function bytesOf(body: PutBody): Promise<Uint8Array> {
  // A copy: the caller may change its own, and a late request carries what was sent.
  if (body instanceof Uint8Array) return body.slice()
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk.slice())
  return joinChunks(chunks)
}

async function collect(infos: AsyncIterable<ObjectInfo>): Promise<ObjectInfo[]> {
  const all: ObjectInfo[] = []
  for await (const info of infos) all.push(info)
  return all
}
