/**
 * The changes of a transaction that write files, while they are under way. Who forgets an `await` must not get a transaction
 * without the change, as if it had never been asked for: the commit waits, and fails if the change does.
 */

import { unlessAborted } from '../errors.ts'

interface Pending {
  readonly done: Promise<unknown>
  state: 'under way' | 'failed'
  /** Whether somebody waits for it, or has: what it comes to is theirs to judge then. */
  isSeen: boolean
}

export class PendingChanges {
  /** In the order in which they were asked for. */
  readonly #pending = new Set<Pending>()

  /** Begins a change. Its failure is told by {@link settle} where nobody else takes it, so it is never an unhandled one. */
  begin<T>(change: () => Promise<T>): Promise<T> {
    const done = change()
    const pending: Pending = { done, state: 'under way', isSeen: false }
    this.#pending.add(pending)
    done.then(
      () => this.#pending.delete(pending),
      () => (pending.state = 'failed'),
    )
    return new SeenPromise(done, () => (pending.isSeen = true))
  }

  /**
   * Waits for all that is under way, or until `signal` fires.
   *
   * @throws `aborted`; what the first of them failed with; also of those that ended before, where nobody ever asked what came of it.
   */
  async settle(signal: AbortSignal | undefined): Promise<void> {
    const before = [...this.#pending].filter(({ state, isSeen }) => state === 'under way' || !isSeen)
    const ended = Promise.allSettled(before.map(({ done }) => done))
    for (const end of await unlessAborted(ended, signal, 'the commit of a transaction')) {
      if (end.status === 'rejected') throw end.reason
    }
  }
}

/** A promise that tells when somebody begins to wait for it: `await`, `then`, `Promise.all` and the like call its `then`. */
class SeenPromise<T> implements Promise<T> {
  readonly [Symbol.toStringTag] = 'Promise'
  readonly #promise: Promise<T>
  readonly #onSeen: () => void

  constructor(promise: Promise<T>, onSeen: () => void) {
    this.#promise = promise
    this.#onSeen = onSeen
  }

  // oxlint-disable-next-line unicorn/no-thenable -- that is what it is for
  then<A = T, B = never>(
    onFulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.#onSeen()
    return this.#promise.then(onFulfilled, onRejected)
  }

  catch<B = never>(onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null): Promise<T | B> {
    return this.then(undefined, onRejected)
  }

  finally(onEnd?: (() => void) | null): Promise<T> {
    this.#onSeen()
    return this.#promise.finally(onEnd)
  }
}
