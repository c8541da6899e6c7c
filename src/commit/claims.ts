/**
 * Claims: an idempotency key is given to one intent by an object that is created once, before anything of the intent can
 * become visible. Whoever finds a claim that is not its own first finds out what became of that intent: folded (the rows
 * are there, this is a replay), never (the next generation of the claim is free), or open (help it in, or cancel it).
 *
 *     metadata/_ds/claims/{uuid8}/{hh}/{sha256(key)}.{generation}      JSON: { "id", "base", "content"? }
 *
 * commit-protocol, "Idempotency".
 */
import { createHash } from 'node:crypto'
import { DataShardError } from '../errors.ts'
import { isRefusal, leftOpen } from './certainty.ts'
import { ClaimRefused } from './claim-refused.ts'
import { ClaimsLost } from './claims-lost.ts'
import type { FoldContext } from './fold.ts'
import { fold } from './fold.ts'
import { isId } from './intent-id.ts'
import { uuid8 } from './intent.ts'
import type { LandControl } from './landing.ts'
import { keyIn } from './place.ts'
import type { Resolution } from './resolve.ts'
import { resolveIntent } from './resolve.ts'
import type { IntentName } from './window.ts'

/** Engines leave names alone that begin with an underscore. */
export const CLAIMS = 'metadata/_ds/claims/'

/** Claims created or read at once. */
const PARALLEL_CLAIMS = 64
/** Generations of one key: each needs an attempt that certainly failed. */
const MAX_GENERATIONS = 1_000
/** Looks at an open intent before it is helped: its owner is probably about to finish. */
const PATIENT_LOOKS = 2
const MAX_DOUBLINGS = 5

export interface ClaimKey {
  readonly key: string
  /** What the claim says of the rows that it is for: a hash of them, or which records they are from. */
  readonly content: string | undefined
  /** Whether a claim with other content is an error. If not, whoever asked is told what it says. */
  readonly mustMatch: boolean
}

/** A key, and what the append that it was given with knows of it. */
export interface ClaimedKey extends ClaimKey {
  readonly known: KnownKeys
}

/** What one append has learnt of its keys, over all commits that it was part of. */
export interface KnownKeys {
  /**
   * Another append had it, or may have it for all that was answered, and may bring its rows yet: also one that came to nothing so far,
   * for its owner may live and try again.
   */
  readonly held: Set<string>
  readonly replayed: Map<string, Replay>
  /** Names under which it claimed keys itself. */
  readonly intents: Set<string>
}

export function nothingKnown(): KnownKeys {
  return { held: new Set(), replayed: new Map(), intents: new Set() }
}

/** Where the rows of a key are already. */
export interface Replay {
  readonly version: number
  readonly snapshotId: bigint
  /** What the claim says; see {@link ClaimKey.content}. */
  readonly content: string | undefined
}

interface Claim extends IntentName {
  readonly content: string | undefined
}

/** The claims of one append, over all its attempts. */
export class KeyClaims {
  readonly #context: FoldContext
  readonly #keys: readonly ClaimedKey[]
  readonly #control: Omit<LandControl, 'claim'>
  /** The generation to be created next, by key. */
  readonly #generation = new Map<string, number>()
  /** Whose claim the generation below that one is, which certainly failed. */
  readonly #below = new Map<string, string>()
  readonly #heldBy = new Map<string, string>()
  #cancelled = 0
  /** Under way for several keys at once: a batch that comes again has many that one intent holds. */
  readonly #underWay = new Map<string, Promise<unknown>>()
  readonly replayed = new Map<string, Replay>()

  constructor(context: FoldContext, keys: readonly ClaimedKey[], control: Omit<LandControl, 'claim'>) {
    this.#context = context
    // In one order for all, so that of two batches with the same keys one has them all.
    this.#keys = keys.toSorted((a, b) => (a.key < b.key ? -1 : 1))
    this.#control = control
  }

  /**
   * Gives all keys that are not replayed to `intent`. One request per key; more for those that others hold.
   *
   * @throws ClaimsLost if some turned out to be in the table; {@link ClaimRefused} for a key of which that cannot be told, or which
   * belongs to other rows
   */
  async acquire(intent: IntentName): Promise<void> {
    const before = this.replayed.size
    const open = this.#keys.filter(({ key }) => !this.replayed.has(key) && this.#heldBy.get(key) !== intent.id)
    for (let at = 0; at < open.length; at += PARALLEL_CLAIMS) {
      const batch = open.slice(at, at + PARALLEL_CLAIMS)
      const settled = await Promise.allSettled(batch.map((key) => this.#acquireOne(key, intent)))
      for (const one of settled) if (one.status === 'rejected') throw one.reason
    }
    if (this.replayed.size > before) throw new ClaimsLost(intent)
  }

  async #acquireOne(key: ClaimedKey, intent: IntentName): Promise<void> {
    for (let looks = 0; ;) {
      const generation = this.#generation.get(key.key) ?? 0
      if (generation > MAX_GENERATIONS) throw this.#undecided(key, 'it was claimed too often')
      const claim = await this.#create(key, generation, intent)
      if (claim.id === intent.id) {
        // A sweep that took the one below, which is weeks old, made the key free: the first one may be somebody else's by now.
        if (generation > 0 && !(await this.#isStillBelow(key, generation))) {
          this.#generation.set(key.key, 0)
          continue
        }
        // If this intent fails, the key is claimed again, under the next number.
        this.#generation.set(key.key, generation + 1)
        this.#below.set(key.key, intent.id)
        this.#heldBy.set(key.key, intent.id)
        return
      }
      this.#compare(key, claim)
      const fate = await this.#fateOf(key, claim, looks)
      if (fate.kind === 'folded') {
        const replay = { version: fate.version, snapshotId: fate.snapshotId, content: claim.content }
        this.replayed.set(key.key, replay)
        key.known.replayed.set(key.key, replay)
        key.known.held.delete(key.key)
        return
      }
      if (fate.kind === 'never') {
        this.#generation.set(key.key, generation + 1)
        this.#below.set(key.key, claim.id)
        looks = 0
      } else {
        looks += 1
      }
    }
  }

  /** Whether the claim below `generation` is the one that was judged. One request. */
  async #isStillBelow(key: ClaimKey, generation: number): Promise<boolean> {
    const name = this.#nameOf(key.key, generation - 1)
    const found = await this.#context.committer.place.store.get(name, { signal: this.#control.signal })
    return found !== undefined && this.#parse(key, found, name).id === this.#below.get(key.key)
  }

  /** The claim that is there in the end: ours or another's. */
  async #create(key: ClaimedKey, generation: number, intent: IntentName): Promise<Claim> {
    const { place } = this.#context.committer
    const name = this.#nameOf(key.key, generation)
    const content = key.content === undefined ? {} : { content: key.content }
    const bytes = new TextEncoder().encode(JSON.stringify({ id: intent.id, base: intent.base, ...content }))
    const { held, intents } = key.known
    const { signal } = this.#control
    intents.add(intent.id)
    const wasHeld = held.has(key.key)
    // From now on whatever ends this, before an answer says whose the key is, leaves it open whether somebody else has it.
    held.add(key.key)
    const isOurs = () => void (wasHeld || held.delete(key.key))
    for (;;) {
      const put = await place.store.put(name, bytes, { mode: 'create', contentType: 'application/json', signal })
      if (put.outcome === 'written') return (isOurs(), { ...intent, content: key.content })
      const found = await place.store.get(name, { signal })
      if (found) {
        const claim = this.#parse(key, found, name)
        if (intents.has(claim.id)) isOurs()
        return claim
      }
      if (put.outcome === 'unknown') isOurs()
      // Nobody's. A full disk stays full. Should the claim appear all the same, it is one of an append that was never seen.
      if (put.outcome === 'unknown' && isRefusal(put.cause)) throw put.cause
      this.#control.check()
      await this.#pause(1)
      held.add(key.key)
    }
  }

  #parse({ key }: ClaimKey, bytes: Uint8Array, name: string): Claim {
    const where = this.#context.committer.place.store.urlOf(name)
    let json: unknown
    try {
      json = JSON.parse(new TextDecoder().decode(bytes))
    } catch {
      json = undefined
    }
    const { id, base, content } = (json ?? {}) as { id?: unknown; base?: unknown; content?: unknown }
    if (typeof id === 'string' && isId(id) && typeof base === 'number' && Number.isSafeInteger(base) && base >= 0) {
      return { id, base, content: typeof content === 'string' ? content : undefined }
    }
    const reason = new DataShardError(
      'commit-unknown',
      `the claim ${where} is damaged: whether the rows of its idempotency key are in the table cannot be told. Look for ` +
        `them, then delete the claim`,
      { details: { table: this.#context.files.location, key: name } },
    )
    throw new ClaimRefused(key, reason)
  }

  async #fateOf(key: ClaimedKey, claim: Claim, looks: number): Promise<Resolution> {
    const fate = await this.#shared(`fate of ${claim.id}`, () => this.#resolve(claim))
    if (fate.kind === 'unknown') throw this.#undecided(key, 'the versions that would tell are gone')
    if (fate.kind === 'open') {
      this.#control.check()
      await this.#shared(`help for ${claim.id}`, () => this.#help(claim, looks)).catch((error: unknown) => {
        // Of a version that brings nothing of this append.
        throw DataShardError.is(error) && error.committed === 'unknown'
          ? this.#undecided(key, ON_ITS_WAY, error)
          : error
      })
    }
    return fate
  }

  async #resolve(claim: Claim): Promise<Resolution> {
    const { committer } = this.#context
    const { signal } = this.#control
    const newest = this.#shared('newest', () => committer.refresh(signal))
    return resolveIntent(committer, claim, signal, newest)
  }

  /** Waits for the owner of an open intent, which is probably about to finish; in the end folds it in, or cancels it. */
  async #help(claim: Claim, looks: number): Promise<void> {
    const { signal, deadlineMs, stats } = this.#control
    // Two attempts must not cancel each other for ever: each waits for a time of its own, longer each time.
    await this.#pause((2 + looks) * 2 ** Math.min(this.#cancelled, MAX_DOUBLINGS))
    if (looks < PATIENT_LOOKS) return
    this.#cancelled += 1
    const request = {
      own: undefined,
      watch: undefined,
      fromBase: claim.base - 1,
      cancel: claim,
      deadlineMs,
      signal,
      stats,
    }
    await fold(this.#context, request)
  }

  /** What is under way by this name, or else is begun now. */
  #shared<T>(name: string, begin: () => Promise<T>): Promise<T> {
    const begun = (this.#underWay.get(name) as Promise<T> | undefined) ?? begin()
    this.#underWay.set(name, begun)
    const ended = () => {
      if (this.#underWay.get(name) === begun) this.#underWay.delete(name)
    }
    begun.then(ended, ended)
    return begun
  }

  #compare(key: ClaimKey, claim: Claim): void {
    if (!key.mustMatch || claim.content === undefined || key.content === claim.content) return
    const reason = new DataShardError(
      'invalid-argument',
      `the idempotency key ${JSON.stringify(key.key)} was used for other rows before; nothing of this append was ` +
        `committed. Use another key for other rows`,
      { details: { table: this.#context.files.location } },
    )
    throw new ClaimRefused(key.key, reason)
  }

  #undecided({ key }: ClaimKey, why: string, cause?: unknown): ClaimRefused {
    return new ClaimRefused(key, undecided(key, this.#context.files.location, why, cause))
  }

  async #pause(times: number): Promise<void> {
    const { committer, tempo } = this.#context
    const { runtime } = committer.place
    const { signal, deadlineMs } = this.#control
    const leftMs = Math.max(0, deadlineMs - runtime.monotonic())
    await runtime.sleep(Math.min(leftMs, tempo.requestMs * times * (1 + runtime.random())), signal)
  }

  #nameOf(key: string, generation: number): string {
    const { place, head } = this.#context.committer
    return keyIn(place, claimName(head.metadata.tableUuid, key, generation))
  }
}

const ON_ITS_WAY = 'another append under it is on its way, or may be'

function undecided(key: string, location: string, why: string, cause: unknown): DataShardError {
  return new DataShardError(
    'commit-unknown',
    `whether the rows of the idempotency key ${JSON.stringify(key)} are in ${location} could not be learnt: ${why}. ` +
      `Append again under the same key`,
    { cause, details: { table: location } },
  )
}

/**
 * What an append is told that ends with `error`: that nothing was committed is more than anybody knows, while another append
 * has one of its keys.
 */
export function withHeldKeys(error: unknown, known: KnownKeys, location: string): unknown {
  const [held] = known.held
  if (held === undefined || !DataShardError.is(error) || error.committed === 'unknown') return error
  // Of a table that is gone nothing appears any more.
  if (error.code === 'not-found') return error
  if (error.code === 'aborted' || error.code === 'commit-contention') {
    return undecided(held, location, ON_ITS_WAY, error)
  }
  return leftOpen(error)
}

/** The name of a claim under the table. */
export function claimName(tableUuid: string, key: string, generation: number): string {
  const hash = createHash('sha256').update(key, 'utf8').digest('hex')
  return `${CLAIMS}${uuid8(tableUuid)}/${hash.slice(0, 2)}/${hash}.${generation}`
}

/** The generation that the name of a claim ends with. */
export function generationOf(name: string): number {
  return Number(name.slice(name.lastIndexOf('.') + 1))
}
