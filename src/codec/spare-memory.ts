/**
 * Memory that is lent to another thread, comes back, and is lent again: memory outside V8's heap is what makes it collect
 * garbage. Not shared between threads, of which V8 would not know how much there is.
 */
export class SpareMemory {
  readonly #most: number
  #spare: Uint8Array<ArrayBuffer>[] = []

  /** @param most Pieces that are kept. */
  constructor(most: number) {
    this.#most = most
  }

  /** Memory of `size` bytes at least, with anything in it. @throws RangeError if there is not so much. */
  take(size: number): Uint8Array<ArrayBuffer> {
    const fitting = this.#spare.filter(({ length }) => length >= size).toSorted((a, b) => a.length - b.length)[0]
    this.#spare = this.#spare.filter((one) => one !== fitting)
    return fitting ?? new Uint8Array(size)
  }

  /** Says that nobody looks at it any more. */
  giveBack(memory: Uint8Array<ArrayBuffer>): void {
    this.#spare = [memory, ...this.#spare].slice(0, this.#most)
  }
}
