/**
 * The commit loop. A change is a function from base metadata to updates; committing is creating the next version if
 * nobody else has; losing means calling the function again on the new head. Every change of a table meets here.
 */
import { DataShardError, throwIfAborted } from '../errors.ts'
import { uuid } from '../runtime.ts'
import type { TableMetadata } from '../spec/metadata.ts'
import { checkWritable } from '../spec/properties.ts'
import type { TableUpdate } from '../spec/updates.ts'
import { applyUpdates } from '../spec/updates.ts'
import { ageMs, CUSTODY_MS, sighting } from './custody.ts'
import { isCertain } from './certainty.ts'
import type { CreateOutcome } from './create-version.ts'
import { createVersion } from './create-version.ts'
import { encodeTable } from './document.ts'
import type { Head, SeenVersion, TableHead } from './head.ts'
import { findHead } from './head.ts'
import { HintWriter } from './hint.ts'
import type { Place } from './place.ts'
import { storeNow } from './place.ts'
import { versionName } from './version.ts'

/** What a change comes to on one base. */
export interface Derived {
  readonly updates: readonly TableUpdate[]
  /** Keys written for this base only (a manifest list): useless, and deleted, once the attempt has lost. */
  readonly scratch: readonly string[]
}

export interface DeriveContext {
  /** 1 for the first attempt. */
  readonly attempt: number
  /** By the store's clock. */
  readonly nowMs: number
  readonly signal: AbortSignal | undefined
}

export interface Change {
  /** For messages: 'append', 'set properties'. */
  readonly what: string
  /**
   * Called once per attempt with the newest metadata. Throws `commit-conflict` when the change makes no sense on this
   * base any more, and whatever else keeps it from being made; nothing is committed then.
   */
  derive(base: TableMetadata, context: DeriveContext): Promise<Derived>
}

export interface CommitOptions {
  readonly signal?: AbortSignal | undefined
  /** How long to go on against other writers before `commit-contention`; default 30,000. */
  readonly timeoutMs?: number | undefined
  /** Called right before the version is sent, the last moment at which the change can be withdrawn by throwing. */
  readonly beforeCreate?: (() => void) | undefined
}

export interface Committed {
  readonly head: TableHead
  /** Creates that were tried, the successful one included. */
  readonly attempts: number
}

export const DEFAULT_TIMEOUT_MS = 30_000

/** A cached base is re-read when it is this old, so that a slow upload does not end with a base too old to use. */
const BASE_MAX_AGE_MS = CUSTODY_MS / 2
const MAX_BACKOFF_MS = 2_000

type Attempt =
  | { readonly outcome: 'won'; readonly head: TableHead }
  | { readonly outcome: 'lost'; readonly next: Head | SeenVersion; readonly scratch: readonly string[] }

/** The head that a process knows of one table, and the way to move it. Commits of one committer run one at a time. */
export class Committer {
  readonly place: Place
  readonly #hint: HintWriter
  readonly #background = new Set<Promise<void>>()
  #head: TableHead
  #last: Promise<unknown> = Promise.resolve()

  constructor(place: Place, head: TableHead) {
    this.place = place
    this.#head = head
    this.#hint = new HintWriter(place)
  }

  get head(): TableHead {
    return this.#head
  }

  /** Looks for newer versions: two requests if there are none. `not-found` if the table was dropped. */
  async refresh(signal?: AbortSignal): Promise<TableHead> {
    return this.#adopt(await findHead(this.place, this.#head, signal))
  }

  /** Commits a change after those that were given before it. One create per attempt, plus what the change writes. */
  commit(change: Change, options: CommitOptions = {}): Promise<Committed> {
    const startMs = this.place.runtime.monotonic()
    const result = this.#last.then(() => this.#commit(change, options, startMs))
    this.#last = result.catch(() => undefined)
    return result
  }

  /** Resolves when commits in flight, the hint, and the cleaning up of lost attempts are done. */
  async flush(): Promise<void> {
    await this.#last
    await Promise.all([this.#hint.flush(), ...this.#background])
  }

  async #commit(change: Change, options: CommitOptions, startMs: number): Promise<Committed> {
    const { runtime } = this.place
    const deadlineMs = startMs + (options.timeoutMs ?? DEFAULT_TIMEOUT_MS)
    const lostScratch: string[] = []
    try {
      for (let attempt = 1; ; attempt++) {
        throwIfAborted(options.signal, change.what)
        if (ageMs(this.#head.seen, runtime) > BASE_MAX_AGE_MS) await this.refresh(options.signal)
        const attemptMs = runtime.monotonic()
        const tried = await this.#attempt(change, options, attempt, deadlineMs)
        if (tried.outcome === 'won') return { head: tried.head, attempts: attempt }
        lostScratch.push(...tried.scratch)
        if (runtime.monotonic() >= deadlineMs) {
          throw contention(this.place, change, attempt, runtime.monotonic() - startMs)
        }
        await this.#catchUp(tried.next, runtime.monotonic() - attemptMs, attempt, options.signal)
      }
    } finally {
      // However it ends: these belong to attempts that lost for certain.
      this.#discard(lostScratch)
    }
  }

  async #attempt(change: Change, options: CommitOptions, attempt: number, deadlineMs: number): Promise<Attempt> {
    const base = this.#head
    checkWritable(base.metadata, this.place.location)
    const nowMs = storeNow(this.place)
    const derived = await change.derive(base.metadata, { attempt, nowMs, signal: options.signal })
    const baseFile = `${base.metadata.location}/${versionName(base.version)}`
    const metadata = applyUpdates(base.metadata, derived.updates, { nowMs, baseFile })
    const nonce = uuid(this.place.runtime)
    const version = base.version + 1
    let created: CreateOutcome
    try {
      options.beforeCreate?.()
      created = await createVersion(this.place, {
        base,
        version,
        bytes: encodeTable(metadata, nonce),
        nonce,
        isIn: holdsSnapshotsOf(derived.updates),
        deadlineMs,
        signal: options.signal,
      })
    } catch (error) {
      if (isCertain(error)) this.#discard(derived.scratch)
      throw error
    }
    if (created.outcome !== 'won') {
      return { outcome: 'lost', next: created.outcome === 'lost' ? created.next : base, scratch: derived.scratch }
    }
    const seen = sighting(this.place.runtime)
    const head: TableHead = { kind: 'table', version, form: 'plain', nonce, metadata, seen }
    this.#adopt(head)
    this.#hint.raise(version)
    return { outcome: 'won', head }
  }

  /**
   * Moves to the head after a loss, with a random wait that doubles with the losses: writers must not march in step, and
   * of those that race only one wins. Only then is the new metadata read.
   */
  async #catchUp(
    lost: Head | SeenVersion,
    attemptMs: number,
    losses: number,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const { runtime } = this.place
    const waitMs = runtime.random() * Math.min(MAX_BACKOFF_MS, attemptMs * 2 ** Math.min(losses, 10))
    if (losses > 1) await runtime.sleep(waitMs, signal)
    this.#adopt(await findHead(this.place, lost, signal))
  }

  #adopt(found: Head | undefined): TableHead {
    const { location } = this.place
    if (!found) throw new DataShardError('not-found', `the table at ${location} is gone: it has no version any more`)
    if (found.kind === 'tombstone') {
      throw new DataShardError('not-found', `the table at ${location} was dropped; create it to use it again`)
    }
    if (found.metadata.tableUuid !== this.#head.metadata.tableUuid) {
      throw new DataShardError(
        'not-found',
        `the table at ${location} was dropped and another one created; load it again`,
      )
    }
    // A search that began before a commit of ours may end after it: what this process knows never goes back.
    if (found.version >= this.#head.version) this.#head = found
    return this.#head
  }

  #discard(keys: readonly string[]): void {
    if (keys.length === 0) return
    // Best effort: what stays is an orphan that nothing names, and maintenance finds it.
    const done: Promise<void> = this.place.store
      .delete(keys)
      .catch(() => undefined)
      .finally(() => this.#background.delete(done))
    this.#background.add(done)
  }
}

function holdsSnapshotsOf(updates: readonly TableUpdate[]): ((metadata: TableMetadata) => boolean) | undefined {
  const ids = updates.flatMap((update) => (update.action === 'add-snapshot' ? [update.snapshot.snapshotId] : []))
  if (ids.length === 0) return undefined
  return (metadata) => ids.every((id) => metadata.snapshots.some((snapshot) => snapshot.snapshotId === id))
}

function contention(place: Place, change: Change, attempts: number, elapsedMs: number): DataShardError {
  return new DataShardError(
    'commit-contention',
    `${change.what}: ${attempts} attempts within ${Math.round(elapsedMs)} ms all lost to other writers of ` +
      `${place.location}; nothing was committed. Call again, or give more time with timeoutMs`,
    { details: { table: place.location, attempts, elapsedMs: Math.round(elapsedMs) } },
  )
}

/** Creates version `version` where no table is yet, or above a tombstone. `won`, or what is there instead. */
export async function createFirstVersion(
  place: Place,
  base: Head | undefined,
  metadata: TableMetadata,
  signal?: AbortSignal,
): Promise<{ readonly won: true; readonly head: TableHead } | { readonly won: false; readonly head: Head }> {
  const nonce = uuid(place.runtime)
  const version = (base?.version ?? 0) + 1
  const created = await createVersion(place, {
    base,
    version,
    bytes: encodeTable(metadata, nonce),
    nonce,
    isIn: (later) => later.tableUuid === metadata.tableUuid,
    deadlineMs: place.runtime.monotonic() + DEFAULT_TIMEOUT_MS,
    signal,
  })
  if (created.outcome === 'stale') {
    throw new DataShardError('unavailable', `creating ${place.location} took too long; try again`)
  }
  if (created.outcome === 'lost') {
    // Not the winner itself: others may have appended to it already.
    const winner = await findHead(place, created.next, signal)
    if (winner) return { won: false, head: winner }
    throw new DataShardError('unavailable', `a table at ${place.location} was created and vanished; try again`)
  }
  const head: TableHead = { kind: 'table', version, form: 'plain', nonce, metadata, seen: sighting(place.runtime) }
  const hint = new HintWriter(place)
  hint.raise(version)
  await hint.flush()
  return { won: true, head }
}
