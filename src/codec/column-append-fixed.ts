/** Columns of boolean, float, double, decimal, uuid and fixed in the making. */
import { toValue } from '../spec/literal.ts'
import { uuidToBytes } from '../spec/uuid-bytes.ts'
import type { Appender, ColumnSpec, RowLike } from './column-appender.ts'
import { fixedColumn, grown, missing } from './column-appender.ts'
import { Nulls } from './column-nulls.ts'
import type { FixedColumn } from './columns.ts'

/** float and double: any number, NaN and the infinities included; a float must not become infinite by rounding. */
export class FloatAppender implements Appender {
  length = 0
  readonly #spec: ColumnSpec
  readonly #isDouble: boolean
  readonly #nulls = new Nulls()
  /** Of the batch before: how large its buffer had to be. */
  #before = 0
  #values: Float32Array | Float64Array

  constructor(spec: ColumnSpec) {
    this.#spec = spec
    this.#isDouble = spec.type.type === 'double'
    this.#values = this.#isDouble ? new Float64Array(0) : new Float32Array(0)
  }

  get byteSize(): number {
    return this.length * this.#values.BYTES_PER_ELEMENT
  }

  append(value: unknown): void {
    if (value === null || value === undefined) {
      if (this.#spec.required) throw missing(value, this.#spec)
      this.appendAbsent()
    } else {
      this.#put(toValue(this.#spec.type, value) as number)
    }
  }

  appendAbsent(): void {
    if (!this.#spec.required) this.#nulls.mark(this.length)
    this.#put(0)
  }

  appendColumn(rows: readonly RowLike[], from: number, to: number, name: string): void {
    const isDouble = this.#isDouble
    for (let i = from; i < to; i++) {
      const value = rows[i]![name]
      if (isDouble && typeof value === 'number') this.#put(value)
      else this.append(value)
    }
  }

  truncate(length: number): void {
    this.#nulls.truncate(length, this.length)
    this.length = length
  }

  finish(): FixedColumn {
    const column = fixedColumn(this.#spec, this.#nulls, this.length, this.#values.subarray(0, this.length))
    this.#before = this.length
    this.#values = this.#isDouble ? new Float64Array(0) : new Float32Array(0)
    this.length = 0
    return column
  }

  #put(value: number): void {
    if (this.length === this.#values.length) this.#values = grown(this.#values, this.length + 1, this.#before)
    this.#values[this.length++] = value
  }
}

/** boolean: one bit per value. */
export class BooleanAppender implements Appender {
  length = 0
  readonly #spec: ColumnSpec
  readonly #nulls = new Nulls()
  /** Of the batch before: how large its buffer had to be. */
  #before = 0
  #bits = new Uint8Array(0)

  constructor(spec: ColumnSpec) {
    this.#spec = spec
  }

  get byteSize(): number {
    return (this.length + 7) >> 3
  }

  append(value: unknown): void {
    if (value === null || value === undefined) {
      if (this.#spec.required) throw missing(value, this.#spec)
      this.appendAbsent()
    } else {
      this.#put(toValue(this.#spec.type, value) as boolean)
    }
  }

  appendAbsent(): void {
    if (!this.#spec.required) this.#nulls.mark(this.length)
    this.#put(false)
  }

  appendColumn(rows: readonly RowLike[], from: number, to: number, name: string): void {
    for (let i = from; i < to; i++) {
      const value = rows[i]![name]
      if (typeof value === 'boolean') this.#put(value)
      else this.append(value)
    }
  }

  truncate(length: number): void {
    this.#nulls.truncate(length, this.length)
    this.length = length
  }

  finish(): FixedColumn {
    const { length } = this
    const bits = this.#bits.subarray(0, (length + 7) >> 3)
    // What a truncation left behind the end is no value.
    if ((length & 7) !== 0) bits[length >> 3] = bits[length >> 3]! & ((1 << (length & 7)) - 1)
    this.#before = (length + 7) >> 3
    this.#bits = new Uint8Array(0)
    this.length = 0
    return fixedColumn(this.#spec, this.#nulls, length, bits)
  }

  #put(value: boolean): void {
    const at = this.length >> 3
    if (at >= this.#bits.length) this.#bits = grown(this.#bits, at + 1, this.#before)
    const bit = 1 << (this.length++ & 7)
    this.#bits[at] = value ? this.#bits[at]! | bit : this.#bits[at]! & ~bit
  }
}

/** decimal, uuid and fixed: so many bytes per value. */
export class FixedBytesAppender implements Appender {
  length = 0
  readonly #spec: ColumnSpec
  readonly #width: number
  readonly #nulls = new Nulls()
  /** Of the batch before: how large its buffer had to be. */
  #before = 0
  #bytes = new Uint8Array(0)
  #view = new DataView(this.#bytes.buffer)

  constructor(spec: ColumnSpec) {
    this.#spec = spec
    this.#width = spec.type.type === 'fixed' ? spec.type.length : 16
  }

  get byteSize(): number {
    return this.length * this.#width
  }

  append(value: unknown): void {
    const { type, required } = this.#spec
    if (value === null || value === undefined) {
      if (required) throw missing(value, this.#spec)
      this.appendAbsent()
      return
    }
    const canonical = toValue(type, value)
    const at = this.#next()
    if (typeof canonical === 'bigint') {
      this.#view.setBigUint64(at, BigInt.asUintN(64, canonical), true)
      this.#view.setBigInt64(at + 8, canonical >> 64n, true)
    } else {
      this.#bytes.set(typeof canonical === 'string' ? uuidToBytes(canonical) : (canonical as Uint8Array), at)
    }
  }

  appendAbsent(): void {
    if (!this.#spec.required) this.#nulls.mark(this.length)
    const at = this.#next()
    this.#bytes.fill(0, at, at + this.#width)
  }

  appendColumn(rows: readonly RowLike[], from: number, to: number, name: string): void {
    for (let i = from; i < to; i++) this.append(rows[i]![name])
  }

  truncate(length: number): void {
    this.#nulls.truncate(length, this.length)
    this.length = length
  }

  finish(): FixedColumn {
    const { length } = this
    const bytes = this.#bytes.subarray(0, length * this.#width)
    this.#before = length * this.#width
    this.#bytes = new Uint8Array(0)
    this.length = 0
    return fixedColumn(this.#spec, this.#nulls, length, bytes)
  }

  /** Where the next value goes. */
  #next(): number {
    const at = this.length * this.#width
    if (at + this.#width > this.#bytes.length) {
      this.#bytes = grown(this.#bytes, at + this.#width, this.#before)
      this.#view = new DataView(this.#bytes.buffer)
    }
    this.length++
    return at
  }
}
