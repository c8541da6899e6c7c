/**
 * In-process group commit: appends that arrive while one is in flight become one commit, and each gets its own answer.
 * An append that was cancelled, or that cannot be made on the newest base, leaves the group without harming the rest.
 */
import { assert, DataShardError } from '../errors.ts'
import type { Runtime } from '../runtime.ts'
import { takeSignal } from '../runtime.ts'

/** Appends in one commit; bounds the size of a manifest and the time to encode it. */
const MAX_MEMBERS = 1_000
/** How long a member that is out of time, or cancelled, waits for what becomes of a commit that is under way. */
const GRACE_MS = 750

/** What concerns some members, and why. */
class OfMembers extends Error {
  readonly members: readonly number[]
  readonly reason: unknown

  constructor(members: readonly number[], reason: unknown) {
    super('members left the group')
    this.members = members
    this.reason = reason
  }
}

/** Thrown by the committing function to say that these members cannot take part, and why. */
export class Withdrawn extends OfMembers {}

/** Thrown by the committing function where only these members took part in what failed. */
export class Failed extends OfMembers {}

export interface GroupContext {
  /** Fires when every member has been cancelled, is out of time, or has its answer. */
  readonly signal: AbortSignal
  /**
   * Throws {@link Withdrawn} if one of these members (by default any) was cancelled, or is out of time; to be called right before the
   * point of no return.
   */
  check(members?: readonly number[]): void
  /**
   * A commit of these is under way, or (false) came to nothing for certain. Who is out of time or cancelled while one is waits a little
   * for what becomes of it.
   */
  sending(members: readonly number[], isUnderWay: boolean): void
  /** From now on these can be committed without us: a member that leaves is told that its fate is unknown. */
  published(members: readonly number[]): void
  /** Answers members whose time is over, once published. */
  tick(): void
}

/**
 * Commits parts, the first of them at least, and answers each: undefined for those that must go into a commit of their own,
 * which are given again.
 */
export type CommitGroup<Part, Result> = (
  parts: readonly Part[],
  context: GroupContext,
) => Promise<readonly (Result | undefined)[]>

/** What a part is answered that fails by `error`, by more than the group knows of it: an error, or a result all the same. */
export type Parting<Part, Result> = (
  part: Part,
  error: unknown,
) => { readonly error: unknown } | { readonly result: Result }

/** How long a member waits, and who cancels it. */
export interface Membership {
  readonly signal?: AbortSignal | undefined
  /** By the monotonic clock. */
  readonly deadlineMs?: number | undefined
}

interface Member<Part, Result> {
  readonly part: Part
  readonly signal: AbortSignal | undefined
  readonly deadlineMs: number
  /** What could make its parts visible: nothing yet; a create that is under way; anybody. */
  sent: 'no' | 'sending' | 'published'
  isLate: boolean
  isLeaving: boolean
  isAnswered: boolean
  /** Tells the group that it is in that it was cancelled, is late, or has its answer. */
  left: () => void
  /** Takes back what is to happen when its time is over. */
  forget: () => void
  readonly resolve: (result: Result) => void
  readonly reject: (error: unknown) => void
}

export class GroupCommit<Part, Result> {
  readonly #commit: CommitGroup<Part, Result>
  readonly #runtime: Runtime
  readonly #parting: Parting<Part, Result>
  /** In the order in which they came. */
  readonly #queue = new Set<Member<Part, Result>>()
  #running: Promise<void> | undefined

  constructor(
    runtime: Runtime,
    commit: CommitGroup<Part, Result>,
    parting: Parting<Part, Result> = (_, error) => ({ error }),
  ) {
    this.#runtime = runtime
    this.#commit = commit
    this.#parting = parting
  }

  /**
   * Resolves with this part's own result. After a cancellation: `aborted`, and the part is in no commit; or
   * `commit-unknown`, where it was published before and somebody may still commit it.
   */
  submit(part: Part, { signal, deadlineMs = Infinity }: Membership = {}): Promise<Result> {
    return new Promise<Result>((resolve, reject) => {
      if (signal?.aborted) return reject(cancelled(signal))
      const onAbort = () => this.#leave(member)
      const settled = () => {
        member.isAnswered = true
        signal?.removeEventListener('abort', onAbort)
        member.forget()
      }
      const member: Member<Part, Result> = {
        part,
        signal,
        deadlineMs,
        sent: 'no',
        isLate: false,
        isLeaving: false,
        isAnswered: false,
        left: () => undefined,
        forget: () => undefined,
        resolve: (result) => (settled(), resolve(result)),
        reject: (error) => (settled(), reject(error as Error)),
      }
      signal?.addEventListener('abort', onAbort, { once: true })
      const leftMs = deadlineMs - this.#runtime.monotonic()
      member.forget = this.#runtime.after(leftMs, () => this.#endTime(member))
      this.#queue.add(member)
      this.#running ??= this.#run()
    })
  }

  /** Whatever request its commit waits for, the member is answered. */
  #endTime(member: Member<Part, Result>): void {
    const earlyMs = member.deadlineMs - this.#runtime.monotonic()
    if (earlyMs > 0) {
      // Timers may go by a clock that is a little fast. What is less than a millisecond may be too little for it to move at all.
      member.forget = this.#runtime.after(Math.max(1, earlyMs), () => this.#endTime(member))
      return
    }
    member.isLate = true
    this.#leave(member)
  }

  /** A member that was cancelled, or is late; for one that is both, the first counts. */
  #leave(member: Member<Part, Result>): void {
    if (!member.isLeaving) {
      member.isLeaving = true
      member.forget()
      this.#queue.delete(member)
      if (member.sent === 'sending') member.forget = this.#runtime.after(GRACE_MS, () => this.#partLeft(member))
      else this.#partLeft(member)
    }
    member.left()
  }

  /** That nothing was committed is certain where nothing was sent: from now on `check` keeps it from being sent. */
  #partLeft(member: Member<Part, Result>): void {
    this.#part(member, member.sent === 'no' ? leftBefore(member) : leftPublished(member))
  }

  /** Resolves when nothing is queued or in flight. */
  async idle(): Promise<void> {
    while (this.#running) await this.#running
  }

  #takeFirst(): Member<Part, Result>[] {
    const members: Member<Part, Result>[] = []
    for (const member of this.#queue) {
      if (members.length === MAX_MEMBERS) break
      members.push(member)
      this.#queue.delete(member)
    }
    return members
  }

  async #run(): Promise<void> {
    while (this.#queue.size > 0) {
      let members = this.#takeFirst()
      while (members.length > 0) members = await this.#try(members)
    }
    // In the same turn in which the queue was found empty: who comes a microtask later must start the next run.
    this.#running = undefined
  }

  /** One commit; returns the members that have to try again because others left. */
  async #try(members: Member<Part, Result>[]): Promise<Member<Part, Result>[]> {
    const group = new AbortController()
    takeSignal(group.signal)
    const left = () => {
      if (members.every(({ isLeaving, isAnswered }) => isLeaving || isAnswered)) group.abort(members[0]?.signal?.reason)
    }
    // What an earlier commit of these sent, if it did, came to nothing.
    for (const member of members) Object.assign(member, { left, sent: 'no' })
    const check = (indices: readonly number[] = members.map((_, index) => index)) => {
      const nowMs = this.#runtime.monotonic()
      const hasLeft = (member: Member<Part, Result>) => member.signal?.aborted === true || member.deadlineMs <= nowMs
      const gone = indices.filter((index) => hasLeft(members[index]!))
      if (gone.length > 0) throw new Withdrawn(gone, undefined)
    }
    const published = (indices: readonly number[]) => {
      for (const index of indices) members[index]!.sent = 'published'
    }
    const sending = (indices: readonly number[], isUnderWay: boolean) => {
      for (const index of indices) members[index]!.sent = isUnderWay ? 'sending' : 'no'
    }
    const tick = () => {
      const nowMs = this.#runtime.monotonic()
      for (const member of members) {
        if (member.sent === 'published' && member.deadlineMs <= nowMs) this.#part(member, leftPublished(member))
      }
    }
    try {
      check()
      const results = await this.#commit(
        members.map((member) => member.part),
        { signal: group.signal, check, sending, published, tick },
      )
      const staying = members.filter((_, index) => results[index] === undefined)
      assert(staying.length < members.length, 'a group commit got nobody through')
      members.forEach((member, index) => results[index] !== undefined && member.resolve(results[index]))
      return staying
    } catch (error) {
      if (!(error instanceof Withdrawn)) {
        const [failed, reason] = error instanceof Failed ? [new Set(error.members), error.reason] : [undefined, error]
        const takesPart = (index: number) => failed?.has(index) ?? true
        members.forEach(
          (member, i) => takesPart(i) && this.#part(member, isCut(reason, member) ? leftBefore(member) : reason),
        )
        return members.filter((_, i) => !takesPart(i))
      }
      const gone = new Set(error.members)
      const [left, staying] = [members.filter((_, i) => gone.has(i)), members.filter((_, i) => !gone.has(i))]
      for (const member of left) {
        // A reason is given by who knows the member.
        if (error.reason !== undefined) member.reject(error.reason)
        else this.#part(member, leftBefore(member))
      }
      return staying
    }
  }

  /** The answer of a member that does not get through. */
  #part(member: Member<Part, Result>, error: unknown): void {
    if (member.isAnswered) return
    const told = this.#parting(member.part, error)
    if ('result' in told) member.resolve(told.result)
    else member.reject(told.error)
    member.left()
  }
}

type Leaving = Pick<Member<unknown, unknown>, 'signal' | 'isLate'>

/** Nothing of it was sent. */
function leftBefore({ signal }: Leaving): DataShardError {
  return signal?.aborted ? cancelled(signal) : late()
}

function cancelled(signal: AbortSignal | undefined): DataShardError {
  return new DataShardError('aborted', 'the append was cancelled; nothing of it was committed', {
    cause: signal?.reason,
  })
}

function late(): DataShardError {
  return new DataShardError(
    'commit-contention',
    'the append ran out of its time before it was published; nothing of it was committed. Call again, or give more time ' +
      'with timeoutMs',
  )
}

function leftPublished({ signal }: Leaving): DataShardError {
  const why = signal?.aborted ? 'it was cancelled' : 'its time was over'
  return new DataShardError(
    'commit-unknown',
    `the append was published, or its commit under way, when ${why}, and may still be committed. Append again only under the same idempotency key, ` +
      `or look first what is there`,
    { cause: signal?.reason },
  )
}

/** A request was given up because the time of all was over, not because somebody cancelled. */
function isCut(error: unknown, { signal, isLate }: Leaving): boolean {
  return DataShardError.is(error, 'aborted') && error.committed === 'no' && isLate && signal?.aborted !== true
}
