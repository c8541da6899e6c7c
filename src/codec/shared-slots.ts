/**
 * A few pieces of memory that two threads see, used again and again. Shared, because memory that goes to another thread
 * and comes back counts each time as new, and makes V8 collect garbage; few, because of shared memory V8 does not know
 * how much there is; held weakly, so that an idle process gives it back.
 */

/** Sizes are multiples of this, so that what was large enough once mostly is again. */
const STEP_BYTES = 1024 * 1024

export class SharedSlots {
  readonly #most: number
  readonly #maxBytes: number
  /** Who takes memory and is never heard of again has it until it is collected. */
  #taken: readonly WeakRef<Uint8Array<SharedArrayBuffer>>[] = []
  #spare: readonly WeakRef<SharedArrayBuffer>[] = []

  /** @param most Pieces that there are at a time, of `maxBytes` at most. */
  constructor(most: number, maxBytes: number) {
    this.#most = most
    this.#maxBytes = maxBytes
  }

  /** Whether {@link take} of so many bytes is worth preparing for. */
  hasRoom(size: number): boolean {
    this.#taken = this.#taken.filter((ref) => ref.deref() !== undefined)
    return size <= this.#maxBytes && this.#taken.length < this.#most
  }

  /** Memory of `size` bytes at least, with anything in it; undefined if there is none to be had now. */
  take(size: number): Uint8Array<SharedArrayBuffer> | undefined {
    if (!this.hasRoom(size)) return undefined
    const fitting = this.#spare.find((ref) => (ref.deref()?.byteLength ?? -1) >= size)
    const memory = fitting?.deref() ?? allocate(size)
    if (memory === undefined) return undefined
    this.#spare = this.#spare.filter((ref) => ref !== fitting)
    const bytes = new Uint8Array(memory)
    this.#taken = [...this.#taken, new WeakRef(bytes)]
    return bytes
  }

  /**
   * Says that nobody looks at it any more.
   *
   * @param bytes What {@link take} gave. Given back before, it may be somebody else's memory by now: then nothing happens.
   */
  giveBack(bytes: Uint8Array<SharedArrayBuffer>): void {
    const others = this.#taken.filter((ref) => ref.deref() !== bytes)
    if (others.length === this.#taken.length) return
    this.#taken = others
    this.#spare = [new WeakRef(bytes.buffer), ...this.#spare].slice(0, this.#most)
  }
}

function allocate(size: number): SharedArrayBuffer | undefined {
  try {
    return new SharedArrayBuffer(Math.ceil(size / STEP_BYTES) * STEP_BYTES)
  } catch {
    return undefined
  }
}
