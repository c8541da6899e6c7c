/**
 * Creating the next version: the one conditional write that is the commit, and what each answer to it means
 * (commit-protocol, "Outcomes of the create").
 *
 * | what came back | what it means, what to do |
 * |---|---|
 * | written | won |
 * | precondition failed | it exists, perhaps through our own earlier try: read it and compare the nonce |
 * | no answer that can be trusted | back off, read it, then send the same bytes again |
 * | the disk is full | read it; if it is not there, say so, and leave open what becomes of it |
 * | an error of the call itself | nothing was written, unless an earlier try of this call may have been |
 */
import { DataShardError, throwIfAborted } from '../errors.ts'
import { takeSignal } from '../runtime.ts'
import type { TableMetadata } from '../spec/metadata.ts'
import { isRefusal, leftOpen } from './certainty.ts'
import type { Sighting } from './custody.ts'
import { ageMs, CUSTODY_MS, inCustody } from './custody.ts'
import type { SeenVersion } from './head.ts'
import { findHead } from './head.ts'
import type { Ledger } from './ledger.ts'
import type { Peeked } from './peek.ts'
import { peekVersion } from './peek.ts'
import type { Place } from './place.ts'
import { keyIn } from './place.ts'
import { versionName } from './version.ts'

/** `won`: the version is ours. `lost`: it is somebody else's, here it is. `stale`: the base is too old to build upon. */
export type CreateOutcome =
  | { readonly outcome: 'won' }
  | { readonly outcome: 'lost'; readonly next: SeenVersion; readonly peeked?: Peeked }
  | { readonly outcome: 'stale' }

export interface VersionCreate {
  /** What the new version was computed from, and when that was seen: a version, or that there is none. */
  readonly base: { readonly seen: Sighting }
  /** The base's ledger, where there is one: how much a look at who won has to read. */
  readonly before?: Ledger | undefined
  readonly version: number
  readonly bytes: Uint8Array
  readonly nonce: string
  /** Whether a later head holds what this version would bring; absent when nothing in metadata could tell. */
  readonly isIn?: ((metadata: TableMetadata) => boolean) | undefined
  /** By the monotonic clock; after it an unknown outcome is reported instead of asked for again. */
  readonly deadlineMs: number
  /** Fired before the first byte is sent: `aborted`. Afterwards the call answers with what happened; a punctual one soon. */
  readonly signal?: AbortSignal | undefined
  /**
   * Whether a request that is still under way after the deadline, or after the signal, is given up; else it takes as long as the store
   * lets it.
   */
  readonly isPunctual?: boolean
}

/** How often a version that was reported to exist may be missing when read, before the outcome is called unknown. */
const MAX_GHOST_READS = 3
/** Of a punctual create: how long after its end (deadline or signal) an answer to it is waited for, and then the look for what became of it. */
const ANSWER_GRACE_MS = 200
const LOOK_GRACE_MS = 300
const FIRST_BACKOFF_MS = 50
const MAX_BACKOFF_MS = 2_000

/**
 * One request when it is won, two when it is lost: the second reads only the beginning of the winner's version. Throws
 * `commit-unknown` when the outcome could not be learnt, `denied`, `unsupported` and the like when the store refused the first try, so
 * that nothing was written; `unavailable`, with `committed: 'unknown'`, when its disk is full and nothing is to be seen.
 */
export async function createVersion(place: Place, create: VersionCreate): Promise<CreateOutcome> {
  const key = keyIn(place, versionName(create.version))
  throwIfAborted(create.signal, `the commit of version ${create.version}`)
  let maybeSent = false
  let cause: unknown
  for (let tries = 0; ; tries++) {
    // Checked before every send: a create that arrives later than this could land on a number that was deleted.
    if (!inCustody(create.base.seen, place.runtime)) {
      return maybeSent ? resolveLate(place, create, cause) : { outcome: 'stale' }
    }
    const sent = await send(place, key, create)
    if (sent.kind === 'exists') return readOutcome(place, create)
    if (sent.kind === 'written') {
      const late = ageMs(create.base.seen, place.runtime) >= CUSTODY_MS
      return late ? resolveLate(place, create, cause) : { outcome: 'won' }
    }
    // A plain refusal of the first try is certain; later ones say nothing about the tries before.
    if (sent.kind === 'failed' && !maybeSent) throw sent.cause
    cause = sent.cause
    maybeSent = true
    await pause(place, create, tries)
    const seen = await compare(place, create).catch((error: unknown) => void (cause = error))
    if (seen) return seen
    // A full disk stays full: there is nothing to wait for. But whether nothing of it can come any more is more than a store says.
    if (cause === sent.cause && isRefusal(cause)) throw leftOpen(cause)
    // Only after a look: a lost answer to a commit that happened must not be reported as unknown for want of time.
    if (isOver(place, create)) throw unknown(place, create, cause)
  }
}

type Sent =
  | { readonly kind: 'written' }
  | { readonly kind: 'exists' }
  | { readonly kind: 'unknown' | 'failed'; readonly cause: unknown }

async function send(place: Place, key: string, create: VersionCreate): Promise<Sent> {
  try {
    const result = await bounded(place, create, ANSWER_GRACE_MS, (signal) =>
      place.store.put(key, create.bytes, {
        mode: 'create',
        metadata: { 'datashard-nonce': create.nonce },
        contentType: 'application/json',
        signal,
      }),
    )
    if (result.outcome === 'written') return { kind: 'written' }
    if (result.outcome === 'precondition-failed') return { kind: 'exists' }
    return { kind: 'unknown', cause: result.cause }
  } catch (cause) {
    return { kind: 'failed', cause }
  }
}

/** Runs requests that are cancelled so long after the deadline, or after the signal, if the create is a punctual one. */
async function bounded<T>(
  place: Place,
  create: VersionCreate,
  graceMs: number,
  run: (signal: AbortSignal | undefined) => Promise<T>,
): Promise<T> {
  const { isPunctual = false, deadlineMs, signal } = create
  const { runtime } = place
  if (!isPunctual) return run(undefined)
  const end = new AbortController()
  takeSignal(end.signal)
  const cutIn = (ms: number) => runtime.after(ms, () => end.abort(new Error('the time for the commit is over')))
  let forget = cutIn((isOver(place, create) ? 0 : deadlineMs - runtime.monotonic()) + graceMs)
  const onAbort = () => {
    if (runtime.monotonic() >= deadlineMs) return
    forget()
    forget = cutIn(graceMs)
  }
  if (!isOver(place, create)) signal?.addEventListener('abort', onAbort, { once: true })
  try {
    return await run(end.signal)
  } finally {
    signal?.removeEventListener('abort', onAbort)
    forget()
  }
}

/** Whether nobody waits for the create any longer than it takes to learn what became of it. */
function isOver({ runtime }: Place, { isPunctual = false, deadlineMs, signal }: VersionCreate): boolean {
  return runtime.monotonic() >= deadlineMs || (isPunctual && signal?.aborted === true)
}

/** Somebody's version exists under this number: ours or another's? Undefined if it is not to be seen. */
async function compare(place: Place, create: VersionCreate): Promise<CreateOutcome | undefined> {
  const { version, before } = create
  const next = await bounded(place, create, LOOK_GRACE_MS, (signal) => peekVersion(place, version, { signal, before }))
  if (!next) return undefined
  if (next.nonce !== create.nonce) return { outcome: 'lost', next, peeked: next }
  const late = !inCustody(create.base.seen, place.runtime)
  return late ? resolveLate(place, create, undefined) : { outcome: 'won' }
}

async function readOutcome(place: Place, create: VersionCreate): Promise<CreateOutcome> {
  let cause: unknown
  for (let reads = 0; reads < MAX_GHOST_READS; reads++) {
    const seen = await compare(place, create).catch((error: unknown) => void (cause = error))
    if (seen) return seen
    if (DataShardError.is(cause, 'commit-unknown') || isOver(place, create)) break
    await pause(place, create, reads)
  }
  throw unknown(place, create, cause)
}

/**
 * The answer came when the base was no longer known to be alive: the version may be an island above deleted ones. It
 * counts only if the chain that leads to the head holds it.
 */
async function resolveLate(place: Place, create: VersionCreate, cause: unknown): Promise<CreateOutcome> {
  try {
    const find = (signal: AbortSignal | undefined) => findHead(place, undefined, signal)
    const head = await bounded(place, create, LOOK_GRACE_MS, find)
    if (head?.kind === 'table' && create.isIn?.(head.metadata)) return { outcome: 'won' }
    if (head?.version === create.version && head.nonce === create.nonce) return { outcome: 'won' }
    const peek = (signal: AbortSignal | undefined) => peekVersion(place, create.version, { signal })
    const there = head && (await bounded(place, create, LOOK_GRACE_MS, peek))
    // A number is given once: if somebody else has it, ours can never appear under it.
    if (there && there.nonce !== create.nonce) return { outcome: 'lost', next: head }
  } catch (error) {
    throw unknown(place, create, error)
  }
  throw unknown(place, create, cause)
}

/** A wait before the next request: of a punctual create until it is over at most. */
async function pause({ runtime }: Place, { isPunctual, deadlineMs, signal }: VersionCreate, tries: number) {
  const leftMs = isPunctual ? Math.max(0, deadlineMs - runtime.monotonic()) : Infinity
  const ceiling = Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** tries, leftMs)
  const waited = runtime.sleep(ceiling / 2 + (runtime.random() * ceiling) / 2, isPunctual ? signal : undefined)
  // Cancelled: what became of what was sent is asked for all the same.
  await waited.catch(() => undefined)
}

function unknown(place: Place, create: VersionCreate, cause: unknown): DataShardError {
  if (DataShardError.is(cause, 'commit-unknown')) return cause
  return new DataShardError(
    'commit-unknown',
    `whether version ${create.version} of ${place.location} was committed could not be learnt: the store gave no ` +
      `answer to trust. Read the table before you append the same rows again, and delete nothing`,
    { cause, details: { table: place.location, version: create.version } },
  )
}
