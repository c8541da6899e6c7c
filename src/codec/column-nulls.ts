/** Validity bitmaps that cost nothing until the first null comes. */

/** Bits of a bitmap in the making: 1 = present. Bits that nobody has touched are 1, so that only nulls cost work. */
export class Nulls {
  count = 0
  #bits: Uint8Array | undefined

  /** Value `index` is null. */
  mark(index: number): void {
    const byte = index >> 3
    let bits = this.#bits
    if (bits === undefined || byte >= bits.length) bits = this.#grow(byte + 1)
    bits[byte] = bits[byte]! & ~(1 << (index & 7))
    this.count++
  }

  /** Forgets everything from `length` on; there were `oldLength` values. */
  truncate(length: number, oldLength: number): void {
    const bits = this.#bits
    if (bits === undefined) return
    for (let i = length; i < oldLength && i >> 3 < bits.length; i++) {
      const mask = 1 << (i & 7)
      if ((bits[i >> 3]! & mask) !== 0) continue
      bits[i >> 3] = bits[i >> 3]! | mask
      this.count--
    }
  }

  /** The bitmap of `length` values, bits behind them zero; undefined if none is null. The builder starts anew. */
  finish(length: number): { validity: Uint8Array | undefined; nullCount: number } {
    const nullCount = this.count
    const bytes = (length + 7) >> 3
    if (this.#bits !== undefined && this.#bits.length < bytes) this.#grow(bytes)
    const validity = nullCount === 0 ? undefined : this.#bits!.subarray(0, bytes)
    if (validity !== undefined && (length & 7) !== 0) {
      validity[bytes - 1] = validity[bytes - 1]! & ((1 << (length & 7)) - 1)
    }
    this.#bits = undefined
    this.count = 0
    return { validity, nullCount }
  }

  #grow(bytes: number): Uint8Array {
    const old = this.#bits
    const grown = new Uint8Array(Math.max(bytes, (old?.length ?? 0) * 2, 64)).fill(0xff)
    if (old !== undefined) grown.set(old)
    this.#bits = grown
    return grown
  }
}

/** Whether value `index` is present. */
export function isPresent(validity: Uint8Array | undefined, index: number): boolean {
  return validity === undefined || (validity[index >> 3]! & (1 << (index & 7))) !== 0
}

/** `read` of the values that are present, null for the others. */
export function orNull<T>(validity: Uint8Array | undefined, read: (index: number) => T): (index: number) => T | null {
  if (validity === undefined) return read
  return (index) => ((validity[index >> 3]! & (1 << (index & 7))) !== 0 ? read(index) : null)
}
