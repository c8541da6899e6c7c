/**
 * What all processes of a world share: the objects, and the record of what happened to them, which the oracle judges by.
 */
import { createHash } from 'node:crypto'
import { DataShardError } from '../../src/errors.ts'
import { HINT_NAME, parseHint, parseVersionName } from '../../src/commit/version.ts'
import { memoryStore } from '../../src/store/memory.ts'
import type { ObjectStore, PutOptions, PutResult } from '../../src/store/store.ts'
import { wallMs } from './process.ts'
import type { Scheduler } from './scheduler.ts'

/** The one table of a world. */
export const LOCATION = 'memory://world/t'
const PREFIX = 't/'

/** A version that was created, in the order in which it happened. */
export interface CreatedVersion {
  readonly version: number
  readonly bytes: Uint8Array
  readonly atMs: number
  readonly by: string
}

export interface GroundOptions {
  readonly scheduler: Scheduler
  /** How wrong the store's clock is. */
  readonly skewMs: number
  /** Called with each line of the trace. */
  readonly onTrace?: ((line: string) => void) | undefined
  /** Keys for which the store does not honour conditions: to see that the oracle sees it. */
  readonly ignoresConditions?: RegExp | undefined
}

export class Ground {
  readonly store: ObjectStore
  readonly created: CreatedVersion[] = []
  /** What no store or writer may do, whatever comes of it. */
  readonly offences: string[] = []
  readonly #options: GroundOptions
  readonly #hash = createHash('sha256')
  requests = 0

  constructor(options: GroundOptions) {
    this.#options = options
    this.store = memoryStore({ name: 'world', now: () => this.clockMs() })
  }

  /** The store's own clock. */
  clockMs(): number {
    return wallMs(this.#options.scheduler.nowMs) + this.#options.skewMs
  }

  /** One line of what happened; worlds of the same seed have the same lines. */
  note(who: string, what: string): void {
    const line = `${this.#options.scheduler.nowMs.toFixed(3)} ${who} ${what}`
    this.#hash.update(line).update('\n')
    this.#options.onTrace?.(line)
  }

  /** The hash of all lines so far. */
  traceHash(): string {
    return this.#hash.copy().digest('hex')
  }

  /** A put as it reaches the store. */
  async put(who: string, key: string, bytes: Uint8Array, options: PutOptions): Promise<PutResult> {
    const mode = this.#options.ignoresConditions?.test(key) ? 'overwrite' : options.mode
    const named = key.startsWith(PREFIX) ? parseVersionName(key.slice(PREFIX.length)) : undefined
    const replaced = named && (await this.store.head(key)) !== undefined
    const hint = key === `${PREFIX}${HINT_NAME}` ? await this.store.get(key) : undefined
    const result = await this.store.put(key, bytes, { ...options, mode, signal: undefined })
    if (named && result.outcome === 'written') {
      if (options.mode !== 'create') this.offences.push(`${who} wrote version ${named.version} unconditionally`)
      if (replaced) this.offences.push(`version ${named.version} was overwritten by ${who}`)
      const { nowMs } = this.#options.scheduler
      this.created.push({ version: named.version, bytes, atMs: nowMs, by: who })
    }
    if (hint && result.outcome === 'written') this.#judgeHint(who, hint, bytes)
    return result
  }

  /** Versions are deleted by the hint: it never goes back, not even by a request that was under way for minutes. */
  #judgeHint(who: string, before: Uint8Array, after: Uint8Array): void {
    const [from, to] = [parseHint(before), parseHint(after)]
    if (from === undefined || to === undefined || to >= from) return
    this.offences.push(`${who} moved the hint back from ${from} to ${to}`)
  }
}

/** What a put comes to in the trace. */
export function statusOf(result: PutResult): string {
  if (result.outcome === 'written') return '200'
  return result.outcome === 'precondition-failed' ? '412' : '---'
}

export function unavailable(what: string): DataShardError {
  return new DataShardError('unavailable', `${what} got no answer in this simulation`)
}
