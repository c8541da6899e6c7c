/**
 * The few parts of FlatBuffers (flatbuffers.dev, "Internals") that an Arrow message is made of. Written here because
 * loading apache-arrow costs a process more time than its whole first append may take (docs/decisions/write-arrow-ipc.md).
 */

/** Where something ends, counted from the end of the buffer: what FlatBuffers calls an offset. */
export type Offset = number

/** Tables of a message have at most this many fields. */
const MAX_FIELDS = 8

/** Builds one buffer from its end to its beginning, children before what refers to them. */
export class FlatBufferBuilder {
  #bytes = new Uint8Array(1024)
  #view = new DataView(this.#bytes.buffer)
  /** Bytes written, all at the end of `#bytes`. */
  #used = 0
  /** Where the fields of the open table are; 0: absent. */
  readonly #slots = new Int32Array(MAX_FIELDS)
  #slotCount = 0
  #tableStart = 0

  string(text: string): Offset {
    const utf8 = new TextEncoder().encode(text)
    this.#align(4, utf8.length + 1)
    this.#push(1)
    const at = this.#push(utf8.length)
    this.#bytes.set(utf8, at)
    return this.#length(utf8.length)
  }

  offsets(items: readonly Offset[]): Offset {
    this.#align(4, items.length * 4)
    for (let i = items.length - 1; i >= 0; i--) this.#pushOffset(items[i]!)
    return this.#length(items.length)
  }

  /** A vector of structs of two int64: the field nodes and the buffers of a record batch. */
  longPairs(pairs: readonly (readonly [number, number])[]): Offset {
    this.#align(8, pairs.length * 16)
    for (let i = pairs.length - 1; i >= 0; i--) {
      const at = this.#push(16)
      this.#view.setBigInt64(at, BigInt(pairs[i]![0]), true)
      this.#view.setBigInt64(at + 8, BigInt(pairs[i]![1]), true)
    }
    return this.#length(pairs.length)
  }

  startTable(slotCount: number): void {
    this.#slots.fill(0)
    this.#slotCount = slotCount
    this.#tableStart = this.#used
  }

  byte(slot: number, value: number): void {
    const at = this.#push(1)
    this.#bytes[at] = value
    this.#slots[slot] = this.#used
  }

  short(slot: number, value: number): void {
    this.#align(2, 0)
    this.#pushShort(value)
    this.#slots[slot] = this.#used
  }

  int(slot: number, value: number): void {
    this.#align(4, 0)
    this.#pushInt(value)
    this.#slots[slot] = this.#used
  }

  long(slot: number, value: number): void {
    this.#align(8, 0)
    const at = this.#push(8)
    this.#view.setBigInt64(at, BigInt(value), true)
    this.#slots[slot] = this.#used
  }

  offset(slot: number, target: Offset): void {
    this.#align(4, 0)
    this.#pushOffset(target)
    this.#slots[slot] = this.#used
  }

  endTable(): Offset {
    this.#align(4, 0)
    this.#push(4)
    const table = this.#used
    let count = this.#slotCount
    while (count > 0 && this.#slots[count - 1] === 0) count--
    for (let i = count - 1; i >= 0; i--) {
      const field = this.#slots[i]!
      this.#pushShort(field === 0 ? 0 : table - field)
    }
    this.#pushShort(table - this.#tableStart)
    this.#pushShort((count + 2) * 2)
    this.#view.setInt32(this.#bytes.length - table, this.#used - table, true)
    return table
  }

  /** The finished buffer, its length a multiple of eight. */
  finish(root: Offset): Uint8Array {
    this.#align(8, 4)
    this.#pushOffset(root)
    return this.#bytes.subarray(this.#bytes.length - this.#used)
  }

  #length(count: number): Offset {
    this.#align(4, 0)
    this.#pushInt(count)
    return this.#used
  }

  #pushOffset(target: Offset): void {
    const at = this.#push(4)
    this.#view.setInt32(at, this.#used - target, true)
  }

  #pushShort(value: number): void {
    const at = this.#push(2)
    this.#view.setInt16(at, value, true)
  }

  #pushInt(value: number): void {
    const at = this.#push(4)
    this.#view.setInt32(at, value, true)
  }

  /** Pads so that after `bytes` more the position is a multiple of `size`. */
  #align(size: number, bytes: number): void {
    const padding = -(this.#used + bytes) & (size - 1)
    this.#push(padding)
  }

  /** Makes room for `count` zero bytes and says where they begin. */
  #push(count: number): number {
    if (this.#used + count > this.#bytes.length) {
      const larger = new Uint8Array((this.#used + count) * 2)
      larger.set(this.#bytes, larger.length - this.#bytes.length)
      this.#bytes = larger
      this.#view = new DataView(larger.buffer)
    }
    this.#used += count
    return this.#bytes.length - this.#used
  }
}
