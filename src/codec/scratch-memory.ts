/**
 * Memory in which one thing after the other is laid out for parquet-wasm. Memory outside V8's heap is what makes it
 * collect garbage, so it is used again; weakly, so that an idle process gives it back.
 */
export class ScratchMemory {
  readonly #maxBytes: number
  #last = new WeakRef(new Uint8Array(0))

  /** @param maxBytes More than this is not kept. */
  constructor(maxBytes = Infinity) {
    this.#maxBytes = maxBytes
  }

  /** Memory of `size` bytes at least, with anything in it, until the next call, by whomever. */
  take(size: number): Uint8Array {
    const last = this.#last.deref()
    if (last !== undefined && last.length >= size) return last
    const memory = new Uint8Array(size)
    if (size <= this.#maxBytes) this.#last = new WeakRef(memory)
    return memory
  }
}
