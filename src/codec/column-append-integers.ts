/** Columns of int, date, long, time and timestamps in the making. */
import { toValue } from '../spec/literal.ts'
import type { Appender, ColumnSpec, RowLike } from './column-appender.ts'
import { fixedColumn, grown, missing } from './column-appender.ts'
import { Nulls } from './column-nulls.ts'
import type { FixedColumn } from './columns.ts'

const TWO_TO_32 = 4_294_967_296
/** Up to here, either side of the epoch, a Date's microseconds are exact in a double: the years 1685 to 2255. */
const EXACT_MS = 9_000_000_000_000

/** int and date: 32 bits. */
export class Int32Appender implements Appender {
  length = 0
  readonly #spec: ColumnSpec
  readonly #isInt: boolean
  readonly #nulls = new Nulls()
  /** Of the batch before: how large its buffer had to be. */
  #before = 0
  #values = new Int32Array(0)

  constructor(spec: ColumnSpec) {
    this.#spec = spec
    this.#isInt = spec.type.type === 'int'
  }

  get byteSize(): number {
    return this.length * 4
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
    const isInt = this.#isInt
    for (let i = from; i < to; i++) {
      const value = rows[i]![name]
      if (isInt && typeof value === 'number' && (value | 0) === value) this.#put(value)
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
    this.#values = new Int32Array(0)
    this.length = 0
    return column
  }

  #put(value: number): void {
    if (this.length === this.#values.length) this.#values = grown(this.#values, this.length + 1, this.#before)
    this.#values[this.length++] = value
  }
}

/** long, time and timestamps: 64 bits. */
export class Int64Appender implements Appender {
  length = 0
  readonly #spec: ColumnSpec
  readonly #isLong: boolean
  readonly #isMicros: boolean
  readonly #nulls = new Nulls()
  /** Of the batch before: how large its buffer had to be. */
  #before = 0
  #values = new BigInt64Array(0)
  /** The same memory as 32-bit halves (little-endian, as Arrow): a number is stored without making a bigint of it. */
  #halves = new Int32Array(0)

  constructor(spec: ColumnSpec) {
    this.#spec = spec
    this.#isLong = spec.type.type === 'long'
    this.#isMicros = spec.type.type === 'timestamp' || spec.type.type === 'timestamptz'
  }

  get byteSize(): number {
    return this.length * 8
  }

  append(value: unknown): void {
    if (value === null || value === undefined) {
      if (this.#spec.required) throw missing(value, this.#spec)
      this.appendAbsent()
    } else {
      const big = toValue(this.#spec.type, value) as bigint
      this.#reserve(1)
      this.#values[this.length++] = big
    }
  }

  appendAbsent(): void {
    if (!this.#spec.required) this.#nulls.mark(this.length)
    this.#reserve(1)
    this.#putNumber(0)
  }

  appendColumn(rows: readonly RowLike[], from: number, to: number, name: string): void {
    this.#reserve(to - from)
    if (this.#isLong) this.#appendNumbers(rows, from, to, name)
    else if (this.#isMicros) this.#appendDates(rows, from, to, name)
    else for (let i = from; i < to; i++) this.append(rows[i]![name])
  }

  truncate(length: number): void {
    this.#nulls.truncate(length, this.length)
    this.length = length
  }

  finish(): FixedColumn {
    const column = fixedColumn(this.#spec, this.#nulls, this.length, this.#values.subarray(0, this.length))
    this.#before = this.length
    this.#values = new BigInt64Array(0)
    this.#halves = new Int32Array(0)
    this.length = 0
    return column
  }

  #appendNumbers(rows: readonly RowLike[], from: number, to: number, name: string): void {
    for (let i = from; i < to; i++) {
      const value = rows[i]![name]
      if (typeof value === 'number' && Number.isSafeInteger(value)) this.#putNumber(value)
      else this.append(value)
    }
  }

  #appendDates(rows: readonly RowLike[], from: number, to: number, name: string): void {
    for (let i = from; i < to; i++) {
      const value = rows[i]![name]
      const ms = value instanceof Date ? value.getTime() : NaN
      if (ms < EXACT_MS && ms > -EXACT_MS) this.#putNumber(ms * 1000)
      else this.append(value)
    }
  }

  /** Of an integer within 2^53; there must be room. */
  #putNumber(value: number): void {
    const at = this.length++ * 2
    this.#halves[at] = value
    this.#halves[at + 1] = Math.floor(value / TWO_TO_32)
  }

  #reserve(count: number): void {
    if (this.length + count <= this.#values.length) return
    this.#values = grown(this.#values, this.length + count, this.#before)
    this.#halves = new Int32Array(this.#values.buffer)
  }
}
