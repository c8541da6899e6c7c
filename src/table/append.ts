/**
 * Appending: rows become data files while they come in, appends of one process that meet share a commit, and each gets
 * its own answer. How the commit comes about is not known here (commit/landing.ts).
 */
import { ClaimRefused } from '../commit/claim-refused.ts'
import { ClaimsLost } from '../commit/claims-lost.ts'
import type { ClaimedKey, ClaimKey, KnownKeys, Replay } from '../commit/claims.ts'
import { KeyClaims, nothingKnown, withHeldKeys } from '../commit/claims.ts'
import type { Committer } from '../commit/commit.ts'
import { DEFAULT_TIMEOUT_MS } from '../commit/commit.ts'
import type { FoldContext } from '../commit/fold.ts'
import type { GroupContext } from '../commit/group.ts'
import { Failed, GroupCommit, Withdrawn } from '../commit/group.ts'
import type { Landed, LandControl } from '../commit/landing.ts'
import { land } from '../commit/landing.ts'
import type { CommitStats } from '../commit/stats.ts'
import { newStats } from '../commit/stats.ts'
import { begunFirst } from '../commit/unnamed.ts'
import type { IntentName } from '../commit/window.ts'
import { invalid, unsupported } from '../errors.ts'
import { checkWritable } from '../spec/properties.ts'
import type { RequestCounter } from '../store/request-counter.ts'
import { requestsSince } from '../store/request-counter.ts'
import type { AppendInput } from '../write/input.ts'
import type { WriteProgress } from '../write/rolling-writer.ts'
import type { ClaimContents, Keys } from './append-keys.ts'
import { keysOf, withoutReplayed } from './append-keys.ts'
import type { Staged } from './stage.ts'
import { discard, encodeStaged, stage } from './stage.ts'
import { writeTarget } from './write-target.ts'

export interface AppendOptions {
  /** What to do with columns that the table does not have. Default `error`. */
  readonly unknownColumns?: 'error' | 'ignore'
  /**
   * Cancels: before anything of the append can become visible nothing is committed (`aborted`, at once, or after the files of a large
   * input are deleted, if the store does it within 200 ms); afterwards the answer is what happened, or `commit-unknown`, 750 ms later
   * at most. So it is where another append under the same idempotency key was found that may be committed yet.
   */
  readonly signal?: AbortSignal | undefined
  /**
   * How long the append may take once the rows are ready, also where the store does not answer; default 30,000. Then
   * `commit-contention`, if nothing was committed, or `commit-unknown`; 750 ms later at most, where a commit was under way.
   */
  readonly timeoutMs?: number | undefined
  /** Called while a large input is written. */
  readonly onProgress?: (progress: WriteProgress) => void
  /**
   * Makes a repetition harmless: the rows are appended once, however often this is called with the same key (a message id, an
   * invocation id), from whatever process, also after `commit-unknown` or a crash. Later calls return what the first one did,
   * `replayed: true`. Kept for 14 days. One small request more, in parallel where the writer is alone.
   */
  readonly idempotencyKey?: string
  /** One key for each row of an array: rows whose key is in the table already are dropped. One small request per key. */
  readonly idempotencyKeys?: readonly string[]
  /**
   * What the same key with other rows means. Default `replay`: the first ones count. `compare`: a hash of the rows is kept, and
   * other rows under the same key are refused with `invalid-argument`. Arrays only.
   */
  readonly sameKey?: 'replay' | 'compare'
}

/** What became of an append. */
export interface AppendResult {
  /** The version that holds the rows; the current one if there were none. */
  readonly version: number
  /** The snapshot that added them; the current one, or -1n in an empty table, if there were none. */
  readonly snapshotId: bigint
  /** Creates of a version that this process tried; 0 if there was nothing to commit, or another writer folded the rows in. */
  readonly attempts: number
  /** Whether earlier appends with the same keys had committed all of these rows. */
  readonly replayed: boolean
  /** Rows that are in the table by this append: with `idempotencyKeys`, without those that had been there before. */
  readonly rows: number
  /** Keys of `idempotencyKeys` whose rows were in the table already, each once. */
  readonly replayedKeys: readonly string[]
  /** How it went and what it cost; shared by all appends of this process that came into one commit. */
  readonly stats?: CommitStats
}

/** An append for a layer above, with what earlier claims of its keys say. */
export interface ClaimingAppendOptions extends AppendOptions, ClaimContents {}

export interface ClaimingAppendResult extends AppendResult {
  /** What the claims of `replayedKeys` say; undefined where they say nothing. */
  readonly replayedContents: ReadonlyMap<string, string | undefined>
}

interface Part {
  readonly staged: Staged
  readonly keys: Keys
  readonly known: KnownKeys
  readonly deadlineMs: number
}

export interface AppenderOptions {
  readonly context: FoldContext
  readonly requests: RequestCounter
}

/** How long an answer waits at most for what is left of an append to be deleted. */
const TIDYING_MS = 200

export class Appender {
  readonly #context: FoldContext
  readonly #requests: RequestCounter
  readonly #group: GroupCommit<Part, ClaimingAppendResult>
  readonly #inFlight = new Set<Promise<unknown>>()

  constructor({ context, requests }: AppenderOptions) {
    this.#context = context
    this.#requests = requests
    const { runtime } = context.committer.place
    this.#group = new GroupCommit(
      runtime,
      (parts, group) => this.#commit(parts, group),
      (part, error) => this.#parting(part, error),
    )
  }

  append(input: AppendInput, options: ClaimingAppendOptions = {}): Promise<ClaimingAppendResult> {
    const appended = this.#append(input, options)
    const ended = () => void this.#inFlight.delete(appended)
    this.#inFlight.add(appended)
    appended.then(ended, ended)
    return appended
  }

  async #append(input: AppendInput, options: ClaimingAppendOptions): Promise<ClaimingAppendResult> {
    checkTimeout(options.timeoutMs)
    const { committer, files } = this.#context
    const { runtime } = committer.place
    checkWritable(committer.head.metadata, committer.place.location)
    const keys = keysOf(input, options)
    const target = writeTarget(committer.head.metadata, files, runtime)
    const staged = await stage(input, target, files, { ...options, inMemory: keys.byRow !== undefined })
    if (staged.rows === 0) return { ...nothingAppended(committer), replayedContents: new Map() }
    const { signal } = options
    const deadlineMs = runtime.monotonic() + (options.timeoutMs ?? DEFAULT_TIMEOUT_MS)
    try {
      const result = await this.#group.submit(
        { staged, keys, known: nothingKnown(), deadlineMs },
        { signal, deadlineMs },
      )
      if (result.replayed) await this.#tidied(deleteReplayed(staged, this.#context))
      return result
    } catch (error) {
      await this.#tidied(discard(files, staged.written, error))
      throw error
    }
  }

  /**
   * Waits for objects to be deleted, as long as a store takes that answers: the process may be frozen once the caller has its
   * answer. A store that is silent goes on in the background, for the caller's time may be over.
   */
  async #tidied(deleting: Promise<void>): Promise<void> {
    const { committer } = this.#context
    committer.inBackground(deleting)
    let forget = () => undefined as void
    const patience = new Promise<void>((resolve) => (forget = committer.place.runtime.after(TIDYING_MS, resolve)))
    await Promise.race([deleting.catch(() => undefined), patience])
    forget()
  }

  /** Resolves when all appends that were begun have ended, those that still read their input too. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.#inFlight)
    await this.#group.idle()
  }

  /** Who has no time left, or is cancelled, is told what is known by then: perhaps an earlier append has brought all of its rows. */
  #parting(part: Part, error: unknown): { error: unknown } | { result: ClaimingAppendResult } {
    const { replayed } = part.known
    const isThere = part.keys.all.length > 0 && part.keys.all.every(({ key }) => replayed.has(key))
    if (isThere) return { result: resultOf(part, undefined, replayed, undefined) }
    return { error: withHeldKeys(error, part.known, this.#context.files.location) }
  }

  /** The parts that can go together with the first one; the others wait for the next commit. */
  async #commit(parts: readonly Part[], group: GroupContext): Promise<readonly (ClaimingAppendResult | undefined)[]> {
    const chosen = compatible(parts)
    const indices = chosen.map((part) => parts.indexOf(part))
    const landing = this.#context.committer.exclusive(() => this.#land(chosen, group, indices))
    const results = await landing.catch((error: unknown) => {
      // The others have no part in it: they are given again.
      throw error instanceof Withdrawn || chosen.length === parts.length ? error : new Failed(indices, error)
    })
    const answers: (ClaimingAppendResult | undefined)[] = parts.map(() => undefined)
    indices.forEach((index, i) => (answers[index] = results[i]))
    return answers
  }

  async #land(
    parts: readonly Part[],
    group: GroupContext,
    indices: readonly number[],
  ): Promise<readonly ClaimingAppendResult[]> {
    const { committer, files } = this.#context
    const startMs = committer.place.runtime.monotonic()
    const before = this.#requests.counts()
    const stats = newStats()
    const control: Omit<LandControl, 'claim'> = {
      signal: group.signal,
      deadlineMs: Math.max(...parts.map((part) => part.deadlineMs)),
      check: () => group.check(indices),
      sending: (isUnderWay) => group.sending(indices, isUnderWay),
      published: () => group.published(indices),
      tick: group.tick,
      stats,
    }
    const claimed = claimedKeys(parts)
    const claims = new KeyClaims(this.#context, claimed, control)
    const claim = claimed.length === 0 ? undefined : (intent: IntentName) => claims.acquire(intent)
    const begun = begunFirst(
      parts.map(({ staged }) => staged.begun),
      committer.place.runtime,
    )
    let named: IntentName | undefined
    for (;;) {
      const left = parts.map((part) => withoutReplayed(part.staged, part.keys, claims.replayed))
      const open = left.filter((staged) => staged.rows > 0)
      const { schema, spec } = parts[0]!.staged.context
      try {
        const landed =
          open.length === 0
            ? undefined
            : await land(
                this.#context,
                { schema, spec, appended: await encodeStaged(open, files), begun },
                { ...control, claim },
                named,
              )
        const requests = requestsSince(before, this.#requests.counts())
        const elapsedMs = committer.place.runtime.monotonic() - startMs
        const told = landed && commitStats(landed, stats, { requests, elapsedMs })
        return parts.map((part, i) => {
          const added = landed && left[i]!.rows > 0 ? { landed, rows: left[i]!.rows } : undefined
          return resultOf(part, added, claims.replayed, told)
        })
      } catch (error) {
        if (error instanceof ClaimRefused) throw new Withdrawn([indices[ownerOf(parts, error.key)]!], error.reason)
        if (!(error instanceof ClaimsLost)) throw error
        named = error.intent
      }
    }
  }
}

function commitStats(
  landed: Landed,
  stats: ReturnType<typeof newStats>,
  cost: Pick<CommitStats, 'requests' | 'elapsedMs'>,
): CommitStats {
  return { by: landed.by, foldSize: landed.foldSize, ...stats, ...cost }
}

function claimedKeys(parts: readonly Part[]): readonly ClaimedKey[] {
  return parts.flatMap(({ keys, known }) => [...new Map(keys.all.map((key) => [key.key, { ...key, known }])).values()])
}

/** Which part a key belongs to: no two have one in common. */
function ownerOf(parts: readonly Part[], key: string): number {
  return parts.findIndex((part) => part.keys.all.some((one) => one.key === key))
}

/** Parts of one schema and partition spec that have no key in common. */
function compatible(parts: readonly Part[]): readonly Part[] {
  const first = parts[0]!.staged.context
  const taken = new Set<string>()
  return parts.filter(({ staged: { context }, keys }) => {
    const { schema, spec, sortOrder } = context
    if (schema.schemaId !== first.schema.schemaId || spec.specId !== first.spec.specId) return false
    if (sortOrder.orderId !== first.sortOrder.orderId || keys.all.some(({ key }) => taken.has(key))) return false
    for (const { key } of keys.all) taken.add(key)
    return true
  })
}

/** `added`: where the rows went that were not there yet, if there were any. */
function resultOf(
  part: Part,
  added: { readonly landed: Landed; readonly rows: number } | undefined,
  replayed: ReadonlyMap<string, Replay>,
  stats: CommitStats | undefined,
): ClaimingAppendResult {
  const replays = part.keys.all.flatMap(({ key }: ClaimKey) => {
    const replay = replayed.get(key)
    return replay ? [{ key, ...replay }] : []
  })
  const replayedKeys = part.keys.byRow ? replays.map(({ key }) => key) : []
  const replayedContents = new Map(replays.map(({ key, content }) => [key, content]))
  if (added) {
    const { version, snapshotId } = added.landed
    const attempts = stats?.attempts ?? 0
    const { rows } = added
    const told = { replayedKeys, replayedContents, ...(stats && { stats }) }
    return { version, snapshotId, attempts, replayed: false, rows, ...told }
  }
  const last = replays.reduce((newest, one) => (one.version > newest.version ? one : newest))
  const { version, snapshotId } = last
  const rows = part.keys.byRow ? 0 : part.staged.rows
  return { version, snapshotId, attempts: 0, replayed: true, rows, replayedKeys, replayedContents }
}

/** Files that were written for rows that turned out to be in the table: no version names them, and none will. */
async function deleteReplayed(staged: Staged, { files }: FoldContext): Promise<void> {
  const keys = staged.written.map((file) => files.resolve(file.path))
  if (keys.length > 0) await files.store.delete(keys).catch(() => undefined)
}

export function nothingAppended(committer: Committer): AppendResult {
  const { version, metadata } = committer.head
  const snapshotId = metadata.currentSnapshotId ?? -1n
  return { version, snapshotId, attempts: 0, replayed: false, rows: 0, replayedKeys: [] }
}

/** Also for callers without types: a text or NaN would make a deadline that never comes. */
export function checkTimeout(timeoutMs: number | undefined): void {
  if (timeoutMs === undefined || (typeof timeoutMs === 'number' && timeoutMs > 0)) return
  invalid(`timeoutMs is ${String(timeoutMs)}, expected a number of milliseconds above 0`)
}

/** A transaction that is repeated makes all its changes again; a key of one of its appends could not tell. */
export function refuseKeys(options: object): void {
  const { idempotencyKey, idempotencyKeys } = options as AppendOptions
  if (idempotencyKey !== undefined || idempotencyKeys !== undefined) {
    unsupported('idempotency keys belong to table.append; other changes cannot have one')
  }
}
