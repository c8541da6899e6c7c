/**
 * In-process group commit: appends that arrive while one is in flight become one commit, and each gets its own answer.
 * An append that was cancelled, or that cannot be made on the newest base, leaves the group without harming the rest.
 */
import { assert, DataShardError } from '../errors.ts'
import type { Runtime } from '../runtime.ts'
import { takeSignal } from '../runtime.ts'

/** Appends in one commit; bounds the size of a manifest and the time to encode it. */
const MAX_MEMBERS = 1_000

/** Thrown by the committing function to say that these members cannot take part, and why. */
export class Withdrawn extends Error {
  readonly members: readonly number[]
  readonly reason: unknown

  constructor(members: readonly number[], reason: unknown) {
    super('members left the group')
    this.members = members
    this.reason = reason
  }
}

export interface GroupContext {
  /** Fires when every member has been cancelled. */
  readonly signal: AbortSignal
  /** Throws {@link Withdrawn} if a member was cancelled; to be called right before the point of no return. */
  check(): void
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
  /** Whether its fate is out of our hands. */
  published: boolean
  readonly resolve: (result: Result) => void
  readonly reject: (error: unknown) => void
}

export class GroupCommit<Part, Result> {
  readonly #commit: CommitGroup<Part, Result>
  readonly #runtime: Runtime
  readonly #parting: Parting<Part, Result>
  readonly #queue: Member<Part, Result>[] = []
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
      const onAbort = () => {
        // Still waiting for its turn: it leaves at once. In flight: `check` finds it.
        const at = this.#queue.indexOf(member)
        if (at < 0) {
          if (member.published) this.#part(member, leftPublished('it was cancelled', signal?.reason))
          return
        }
        this.#queue.splice(at, 1)
        member.reject(cancelled(signal))
      }
      const settled = () => signal?.removeEventListener('abort', onAbort)
      const member: Member<Part, Result> = {
        part,
        signal,
        deadlineMs,
        published: false,
        resolve: (result) => (settled(), resolve(result)),
        reject: (error) => (settled(), reject(error as Error)),
      }
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#queue.push(member)
      this.#running ??= this.#run()
    })
  }

  /** Resolves when nothing is queued or in flight. */
  async idle(): Promise<void> {
    while (this.#running) await this.#running
  }

  async #run(): Promise<void> {
    while (this.#queue.length > 0) {
      let members = this.#queue.splice(0, MAX_MEMBERS)
      while (members.length > 0) members = await this.#try(members)
    }
    // In the same turn in which the queue was found empty: who comes a microtask later must start the next run.
    this.#running = undefined
  }

  /** One commit; returns the members that have to try again because others left. */
  async #try(members: Member<Part, Result>[]): Promise<Member<Part, Result>[]> {
    const group = groupSignal(
      members.flatMap((member) => (member.signal ? [member.signal] : [])),
      members.length,
    )
    const check = () => {
      const nowMs = this.#runtime.monotonic()
      const hasLeft = (member: Member<Part, Result>) => member.signal?.aborted === true || member.deadlineMs <= nowMs
      const gone = members.flatMap((member, index) => (hasLeft(member) ? [index] : []))
      if (gone.length > 0) throw new Withdrawn(gone, undefined)
    }
    const published = (indices: readonly number[]) => {
      for (const index of indices) members[index]!.published = true
    }
    const tick = () => {
      const nowMs = this.#runtime.monotonic()
      for (const member of members) {
        if (member.published && member.deadlineMs <= nowMs)
          this.#part(member, leftPublished('its time was over', undefined))
      }
    }
    try {
      check()
      const results = await this.#commit(
        members.map((member) => member.part),
        { signal: group.signal, check, published, tick },
      )
      const staying = members.filter((_, index) => results[index] === undefined)
      assert(staying.length < members.length, 'a group commit got nobody through')
      members.forEach((member, index) => results[index] !== undefined && member.resolve(results[index]))
      return staying
    } catch (error) {
      if (!(error instanceof Withdrawn)) {
        for (const member of members) this.#part(member, error)
        return []
      }
      const gone = new Set(error.members)
      const [left, staying] = [members.filter((_, i) => gone.has(i)), members.filter((_, i) => !gone.has(i))]
      for (const member of left) {
        // A reason is given by who knows the member.
        if (error.reason !== undefined) member.reject(error.reason)
        else this.#part(member, member.signal?.aborted ? cancelled(member.signal) : late())
      }
      return staying
    } finally {
      group.release()
    }
  }

  /** The answer of a member that does not get through. */
  #part(member: Member<Part, Result>, error: unknown): void {
    const told = this.#parting(member.part, error)
    if ('result' in told) member.resolve(told.result)
    else member.reject(told.error)
  }
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

function leftPublished(why: string, cause: unknown): DataShardError {
  return new DataShardError(
    'commit-unknown',
    `the append was published when ${why}, and may still be committed. Append again only under the same idempotency key, ` +
      `or look first what is there`,
    { cause },
  )
}

/** A signal that fires when all of them have fired; never if a member has none. */
function groupSignal(signals: readonly AbortSignal[], members: number): { signal: AbortSignal; release: () => void } {
  const controller = new AbortController()
  takeSignal(controller.signal)
  const onAbort = () => {
    if (signals.length === members && signals.every((signal) => signal.aborted)) controller.abort(signals[0]?.reason)
  }
  for (const signal of signals) signal.addEventListener('abort', onAbort)
  onAbort()
  return {
    signal: controller.signal,
    release: () => {
      for (const signal of signals) signal.removeEventListener('abort', onAbort)
    },
  }
}
