/**
 * Avro's primitive values as bytes: a cursor that reads them and a buffer that grows. Avro 1.11 specification,
 * "Binary Encoding". Every read is checked against the end, so damaged input ends in `corrupt` and not in a hang, a
 * huge allocation or somebody else's memory.
 */
import { assert, corrupt } from '../errors.ts'

const utf8 = new TextEncoder()
const strictUtf8 = new TextDecoder('utf-8', { fatal: true })
const TWO_28 = 2 ** 28
const MIN_LONG = -(2n ** 63n)
const MAX_LONG = 2n ** 63n - 1n

/** Reads values one after the other from `bytes`, up to `end`. `where` names the object in errors. */
export class AvroReader {
  at: number
  readonly end: number
  readonly where: string
  readonly bytes: Uint8Array
  private readonly buffer: Buffer
  private readonly view: DataView

  constructor(bytes: Uint8Array, where: string, start = 0, end = bytes.length) {
    this.bytes = bytes
    this.buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    this.where = where
    this.at = start
    this.end = end
  }

  fail(message: string): never {
    corrupt(`${this.where} is damaged: ${message} at byte ${this.at} of ${this.end}`)
  }

  get remaining(): number {
    return this.end - this.at
  }

  /** Moves on by `length` bytes and returns where they start. */
  private take(length: number): number {
    const start = this.at
    if (length > this.end - start) this.fail(`${length} bytes are wanted and ${this.end - start} are left`)
    this.at = start + length
    return start
  }

  byte(): number {
    return this.bytes[this.take(1)]!
  }

  boolean(): boolean {
    const value = this.byte()
    if (value > 1) this.fail(`${value} is no boolean`)
    return value === 1
  }

  int(): number {
    const first = this.byte()
    if (first < 0x80) return (first >>> 1) ^ -(first & 1)
    let raw = first & 0x7f
    for (let shift = 7; shift <= 28; shift += 7) {
      const byte = this.byte()
      if (shift === 28 && byte > 0x0f) this.fail('an int has more than 32 bits')
      raw |= (byte & 0x7f) << shift
      if (byte < 0x80) return (raw >>> 1) ^ -(raw & 1)
    }
    this.fail('an int has more than five bytes')
  }

  long(): bigint {
    const first = this.byte()
    if (first < 0x80) return BigInt((first >>> 1) ^ -(first & 1))
    // 64 bits as three numbers of 28, 28 and 8 bits: bigint arithmetic per byte is many times slower.
    const parts = [first & 0x7f, 0, 0]
    for (let index = 1; index < 10; index++) {
      const byte = this.byte()
      if (index === 9 && byte > 1) this.fail('a long has more than 64 bits')
      parts[index >> 2]! |= (byte & 0x7f) << ((index & 3) * 7)
      if (byte < 0x80) return unzigzag(parts[0]!, parts[1]!, parts[2]!)
    }
    this.fail('a long has more than ten bytes')
  }

  /** A long that counts bytes or items; `limit` is the most that can be there. */
  count(what: string, limit: number): number {
    const value = this.long()
    if (value < 0n || value > BigInt(limit)) this.fail(`${what} is ${value}, possible are 0 to ${limit}`)
    return Number(value)
  }

  float(): number {
    return this.view.getFloat32(this.take(4), true)
  }

  double(): number {
    return this.view.getFloat64(this.take(8), true)
  }

  /** A view, not a copy: a buffer for each of a manifest's bounds would be most of the work of reading it. */
  fixed(length: number): Uint8Array {
    const start = this.take(length)
    return this.bytes.subarray(start, start + length)
  }

  data(): Uint8Array {
    return this.fixed(this.count('a length', this.remaining))
  }

  string(): string {
    const from = this.at
    const text = this.looseString()
    // Where the quick decoder put a replacement character, the strict one says whether it was there before.
    if (text.includes('\ufffd')) this.requireUtf8(from)
    return text
  }

  /** Bytes as text; what is not UTF-8 becomes replacement characters. */
  looseString(): string {
    const length = this.count('a length', this.remaining)
    const start = this.take(length)
    return this.buffer.toString('utf8', start, start + length)
  }

  /** Checks the string that starts, with its length, at `from` and ends here. */
  private requireUtf8(from: number): void {
    const reader = new AvroReader(this.bytes, this.where, from, this.at)
    try {
      strictUtf8.decode(reader.data())
    } catch {
      this.fail('a string is not valid UTF-8')
    }
  }

  /** Steps over bytes that nobody wants. */
  skip(length: number): void {
    this.take(length)
  }
}

function unzigzag(low: number, middle: number, high: number): bigint {
  if (high === 0 && middle < 2 ** 25) {
    const raw = low + middle * TWO_28
    return BigInt(raw % 2 === 0 ? raw / 2 : -(raw + 1) / 2)
  }
  const raw = (BigInt(high) << 56n) | (BigInt(middle) << 28n) | BigInt(low)
  return (raw >> 1n) ^ -(raw & 1n)
}

/** Collects encoded values; {@link AvroWriter.finish} hands them over. */
export class AvroWriter {
  private buffer: Buffer
  private view: DataView
  length = 0

  /** @param capacity bytes to begin with; it doubles as needed. */
  constructor(capacity = 4096) {
    this.buffer = Buffer.allocUnsafeSlow(capacity)
    this.view = new DataView(this.buffer.buffer)
  }

  private reserve(extra: number): number {
    const start = this.length
    this.length = start + extra
    if (this.length > this.buffer.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(this.length, this.buffer.length * 2))
      this.buffer.copy(grown, 0, 0, start)
      this.buffer = grown
      this.view = new DataView(grown.buffer)
    }
    return start
  }

  byte(value: number): void {
    const at = this.reserve(1)
    this.buffer[at] = value
  }

  boolean(value: boolean): void {
    this.byte(value ? 1 : 0)
  }

  int(value: number): void {
    assert((value | 0) === value, `${value} is no int`)
    let raw = ((value << 1) ^ (value >> 31)) >>> 0
    while (raw >= 0x80) {
      this.byte((raw & 0x7f) | 0x80)
      raw >>>= 7
    }
    this.byte(raw)
  }

  long(value: bigint): void {
    if (value >= -0x4000_0000n && value < 0x4000_0000n) return this.int(Number(value))
    assert(value >= MIN_LONG && value <= MAX_LONG, `${value} is no long`)
    let raw = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n))
    while (raw >= 0x80n) {
      this.byte(Number(raw & 0x7fn) | 0x80)
      raw >>= 7n
    }
    this.byte(Number(raw))
  }

  float(value: number): void {
    const at = this.reserve(4)
    this.view.setFloat32(at, value, true)
  }

  double(value: number): void {
    const at = this.reserve(8)
    this.view.setFloat64(at, value, true)
  }

  /** Bytes as they are, without a length. */
  fixed(bytes: Uint8Array): void {
    const at = this.reserve(bytes.length)
    this.buffer.set(bytes, at)
  }

  data(bytes: Uint8Array): void {
    this.int(bytes.length)
    this.fixed(bytes)
  }

  string(text: string): void {
    const length = Buffer.byteLength(text)
    this.int(length)
    const at = this.reserve(length)
    this.buffer.write(text, at)
  }

  /** What was written, as memory of its own. The writer must not be used afterwards. */
  finish(): Uint8Array {
    return new Uint8Array(this.buffer.buffer, 0, this.length)
  }
}

/** UTF-8 bytes of a text. */
export function utf8Bytes(text: string): Uint8Array {
  return utf8.encode(text)
}
