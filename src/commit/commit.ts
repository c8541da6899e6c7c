/**
 * The chain of versions as one process follows it. A change is a function from base metadata to updates; committing is
 * creating the next version if nobody else has; losing means calling the function again on the new head. Transactions,
 * maintenance and folds all meet here, and each commit keeps the ledger.
 */
import { DataShardError, throwIfAborted } from '../errors.ts'
import { uuid } from '../runtime.ts'
import type { TableMetadata } from '../spec/metadata.ts'
import { checkWritable } from '../spec/properties.ts'
import type { TableUpdate } from '../spec/updates.ts'
import { applyUpdates } from '../spec/updates.ts'
import { isCertain } from './certainty.ts'
import type { CreateOutcome } from './create-version.ts'
import { createVersion } from './create-version.ts'
import type { Sighting } from './custody.ts'
import { ageMs, CUSTODY_MS, inCustody, sighting } from './custody.ts'
import { encodeTable } from './document.ts'
import type { Head, SeenVersion, TableHead } from './head.ts'
import { findHead, readVersion } from './head.ts'
import { HintWriter } from './hint.ts'
import { Hold } from './hold.ts'
import type { LedgerEntry } from './ledger.ts'
import { advance, checkWindow, formatLedger, LEDGER_PROPERTY, ledgerOn } from './ledger.ts'
import { ledgerOf } from './peek.ts'
import type { Place } from './place.ts'
import { storeNow } from './place.ts'
import { retain } from './retention.ts'
import { checkNamedInTime } from './unnamed.ts'
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
  /** When the first object was written that the version will name; not needed by changes that write none. */
  readonly begun?: Sighting
}

export interface CommitOptions {
  readonly signal?: AbortSignal | undefined
  /** How long to go on against other writers before `commit-contention`; default 30,000. */
  readonly timeoutMs?: number | undefined
}

export interface Committed {
  readonly head: TableHead
  /** Creates that were tried, the successful one included. */
  readonly attempts: number
}

export const DEFAULT_TIMEOUT_MS = 30_000

/** A cached base is re-read when it is this old, so that a slow upload does not end with a base too old to use. */
export const BASE_MAX_AGE_MS = CUSTODY_MS / 2
const MAX_BACKOFF_MS = 2_000
/** A writer that lost so often asks the others for room. */
const LOSSES_BEFORE_HOLD = 2

/** What the next version is made of. */
export interface NextVersion {
  readonly base: TableHead
  readonly updates: readonly TableUpdate[]
  /** What goes into the ledger; nothing by default. */
  readonly ledger?: Omit<LedgerEntry, 'version'>
  /** When the first object was written that it names and that does not depend on the base. */
  readonly begun?: Sighting | undefined
  readonly deadlineMs: number
  readonly signal: AbortSignal | undefined
  /** See {@link VersionCreate.isPunctual}. */
  readonly isPunctual?: boolean
  /** Called right before the version is sent, the last moment at which the change can be withdrawn by throwing. */
  readonly beforeCreate?: (() => void) | undefined
}

export type NextOutcome =
  | { readonly outcome: 'won'; readonly head: TableHead }
  | Exclude<CreateOutcome, { outcome: 'won' }>

/** The head that a process knows of one table, and the way to move it. What moves it runs one at a time. */
export class Committer {
  readonly place: Place
  readonly #hint: HintWriter
  readonly #background = new Set<Promise<void>>()
  #head: TableHead
  #newest = 0
  #last: Promise<unknown> = Promise.resolve()

  constructor(place: Place, head: TableHead) {
    this.place = place
    this.#head = head
    this.#hint = new HintWriter(place)
  }

  get head(): TableHead {
    return this.#head
  }

  /** Told of a version that was seen, but not read: appends of ours may be in it. */
  noteNewest(version: number): void {
    this.#newest = Math.max(this.#newest, version)
  }

  /** Whether a newer version than the head is known. */
  get isBehind(): boolean {
    return this.#newest > this.#head.version
  }

  /** Reads the newest version that is known. No request where it is the head already, else one. */
  async catchUp(signal?: AbortSignal): Promise<TableHead> {
    if (!this.isBehind) return this.#head
    const found = await readVersion(this.place, this.#newest, 'plain', signal)
    return found ? this.adopt(found) : this.refresh(signal)
  }

  /** Looks for newer versions: two requests if there are none. `not-found` if the table was dropped. */
  async refresh(signal?: AbortSignal): Promise<TableHead> {
    return this.adopt(await findHead(this.place, this.#head, signal))
  }

  /** Runs after everything that was given before it has ended: commits of one process do not race each other. */
  exclusive<T>(run: () => Promise<T>): Promise<T> {
    const result = this.#last.then(run)
    this.#last = result.catch(() => undefined)
    return result
  }

  /** Commits a change after those that were given before it. One create per attempt, plus what the change writes. */
  commit(change: Change, options: CommitOptions = {}): Promise<Committed> {
    const startMs = this.place.runtime.monotonic()
    return this.exclusive(() => this.#commit(change, options, startMs))
  }

  /** Resolves when commits in flight, the hint, and the cleaning up of lost attempts are done. */
  async flush(): Promise<void> {
    await this.#last
    await Promise.all([this.#hint.flush(), ...this.#background])
  }

  /**
   * Creates the version after `base` and moves to it. Keeps the ledger: without it, what was folded before could be
   * folded again. One request when won, two when lost.
   */
  async createNext(next: NextVersion): Promise<NextOutcome> {
    const { base } = next
    checkWritable(base.metadata, this.place.location)
    if (next.begun) checkNamedInTime(next.begun, this.place)
    const version = base.version + 1
    const nowMs = storeNow(this.place)
    const metadata = this.#nextMetadata(next, version, nowMs)
    const nonce = uuid(this.place.runtime)
    next.beforeCreate?.()
    const created = await createVersion(this.place, {
      base,
      before: ledgerOf(base.metadata),
      version,
      bytes: encodeTable(metadata, nonce),
      nonce,
      isIn: holdsSnapshotsOf(next.updates),
      deadlineMs: next.deadlineMs,
      signal: next.signal,
      isPunctual: next.isPunctual ?? false,
    })
    if (created.outcome !== 'won') return created
    const head: TableHead = {
      kind: 'table',
      version,
      form: 'plain',
      nonce,
      metadata,
      seen: sighting(this.place.runtime),
    }
    this.adopt(head)
    this.#hint.raise(version)
    return { outcome: 'won', head }
  }

  #nextMetadata({ base, updates, ledger }: NextVersion, version: number, nowMs: number): TableMetadata {
    const before = ledgerOf(base.metadata)
    checkWindow(before, this.place.location)
    const kept = formatLedger(advance(ledgerOn(before, base.version), version, ledger))
    const all: readonly TableUpdate[] = [...updates, { action: 'set-properties', updates: { [LEDGER_PROPERTY]: kept } }]
    const context = { nowMs, baseFile: `${base.metadata.location}/${versionName(base.version)}` }
    const next = applyUpdates(base.metadata, all, context)
    const removed = retain(next, nowMs)
    return removed.length === 0 ? next : applyUpdates(base.metadata, [...all, ...removed], context)
  }

  async #commit(change: Change, options: CommitOptions, startMs: number): Promise<Committed> {
    const { runtime } = this.place
    const deadlineMs = startMs + (options.timeoutMs ?? DEFAULT_TIMEOUT_MS)
    const lostScratch: string[] = []
    const hold = new Hold(this.place)
    try {
      for (let attempt = 1; ; attempt++) {
        throwIfAborted(options.signal, change.what)
        await this.catchUp(options.signal)
        if (ageMs(this.#head.seen, runtime) > BASE_MAX_AGE_MS) await this.refresh(options.signal)
        const attemptMs = runtime.monotonic()
        const tried = await this.#attempt(change, options, attempt, deadlineMs)
        if (tried.outcome === 'won') return { head: tried.head, attempts: attempt }
        lostScratch.push(...tried.scratch)
        if (runtime.monotonic() >= deadlineMs) {
          throw contention(this.place, change, attempt, runtime.monotonic() - startMs)
        }
        if (attempt >= LOSSES_BEFORE_HOLD) await hold.ask()
        const tookMs = runtime.monotonic() - attemptMs
        await this.#catchUp(tried.next ?? this.#head, hold.isAsked ? 0 : tookMs, attempt, options.signal)
      }
    } catch (error) {
      throw await this.reasonOf(error)
    } finally {
      // However it ends: these belong to attempts that lost for certain.
      this.discard(lostScratch)
      this.inBackground(hold.release())
    }
  }

  async #attempt(change: Change, options: CommitOptions, attempt: number, deadlineMs: number) {
    const base = this.#head
    checkWritable(base.metadata, this.place.location)
    const { signal } = options
    const derived = await change.derive(base.metadata, { attempt, nowMs: storeNow(this.place), signal })
    try {
      const { begun } = change
      const made = await this.createNext({ base, updates: derived.updates, begun, deadlineMs, signal })
      if (made.outcome === 'won') return made
      const next = made.outcome === 'lost' ? made.next : undefined
      return { outcome: 'lost' as const, next, scratch: derived.scratch }
    } catch (error) {
      if (isCertain(error)) this.discard(derived.scratch)
      throw error
    }
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
    this.adopt(await findHead(this.place, lost, signal))
  }

  /** Moves to a newer head; `not-found` if it is not this table's any more. */
  adopt(found: Head | undefined): TableHead {
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

  /**
   * The reason of a failure: where an object is missing or damaged, perhaps the table was dropped meanwhile, or this process
   * slept until its base was swept. Two or three requests for such a failure, none for others.
   */
  async reasonOf(error: unknown): Promise<unknown> {
    if (!DataShardError.is(error, 'corrupt')) return error
    const { version, seen } = this.#head
    const slept = !inCustody(seen, this.place.runtime)
    const { path } = error.details
    return this.refresh().then(
      (head) => {
        const isSwept = isListOf(path) && !head.metadata.snapshots.some((one) => one.manifestList === path)
        return isSwept || (slept && head.version > version) ? overslept(this.place, error) : error
      },
      (found: unknown) => {
        if (DataShardError.is(found, 'not-found')) return found
        return DataShardError.is(found, 'unavailable') ? unexplained(this.place, error, found) : error
      },
    )
  }

  /** Deletes what no version names, best effort: what stays is an orphan, and maintenance finds it. */
  discard(keys: readonly string[]): void {
    if (keys.length > 0) this.inBackground(this.place.store.delete(keys))
  }

  /** Lets something go on that nobody waits for but {@link flush}. */
  inBackground(work: Promise<unknown>): void {
    const done: Promise<void> = work
      .then(() => undefined)
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

/** Whether a path is that of a manifest list: which of them a table needs, its metadata say. */
function isListOf(path: unknown): path is string {
  return typeof path === 'string' && path.includes('/snap-')
}

function overslept({ location }: Place, cause: unknown): DataShardError {
  return new DataShardError(
    'commit-contention',
    `a change of ${location} was built on a version that was superseded and swept while this process did not run; ` +
      `nothing was committed. Call again`,
    { cause, details: { table: location } },
  )
}

/** What looks like damage may as well be the end of a table that was dropped. */
function unexplained({ location }: Place, error: DataShardError, found: DataShardError): DataShardError {
  const { committed, details, message } = error
  return new DataShardError(
    'unavailable',
    `${message}; whether the table at ${location} was dropped meanwhile could not be learnt: ${found.message}`,
    { cause: error, committed, details },
  )
}

function contention(place: Place, change: Change, attempts: number, elapsedMs: number): DataShardError {
  return new DataShardError(
    'commit-contention',
    `${change.what}: ${attempts} attempts within ${Math.round(elapsedMs)} ms all lost to other writers of ` +
      `${place.location}; nothing was committed. Call again, or give more time with timeoutMs`,
    { details: { table: place.location, attempts, elapsedMs: Math.round(elapsedMs) } },
  )
}
