/**
 * Smallest and largest value of a column, found without making a JavaScript value of each: 64-bit integers are compared
 * by halves, strings by their UTF-8 bytes (whose order is that of the code points).
 */
import { presentReader } from '../codec/column-values.ts'
import { isPresent } from '../codec/column-nulls.ts'
import type { BytesColumn, Column, FixedColumn, Validity } from '../codec/columns.ts'
import type { Type, Value } from '../spec/types.ts'
import { compareBytes, compareValues, decodeValue } from '../spec/values.ts'

/** The extremes of a column, batch by batch. */
export interface Extremes {
  readonly type: Type
  /** How many values are NaN; undefined for types that have none. */
  readonly nans: number | undefined
  add(column: Column, present: Validity): void
  /** Undefined if there was no value other than null and NaN. */
  bounds(): { readonly lower: Value; readonly upper: Value } | undefined
}

/** Undefined if nothing is to be found out: only counts are wanted, and there are no NaNs in the type. */
export function createExtremes(column: Column, countsOnly: boolean): Extremes | undefined {
  const { type } = column
  if (type.type === 'float' || type.type === 'double') return new FloatExtremes(type)
  if (countsOnly) return undefined
  if (column.kind === 'bytes') return new BytesExtremes(type)
  if (column.kind !== 'fixed') return undefined
  if (column.values instanceof Int32Array) return new IntExtremes(type)
  if (column.values instanceof BigInt64Array) return new LongExtremes(type)
  return new ValueExtremes(type)
}

class IntExtremes implements Extremes {
  readonly type: Type
  readonly nans = undefined
  #lower = Infinity
  #upper = -Infinity

  constructor(type: Type) {
    this.type = type
  }

  add(column: Column, present: Validity): void {
    const values = (column as FixedColumn).values as Int32Array
    let lower = this.#lower
    let upper = this.#upper
    for (let i = 0; i < column.length; i++) {
      if (present !== undefined && !isPresent(present, i)) continue
      const value = values[i]!
      if (value < lower) lower = value
      if (value > upper) upper = value
    }
    this.#lower = lower
    this.#upper = upper
  }

  bounds(): { lower: Value; upper: Value } | undefined {
    return this.#lower > this.#upper ? undefined : { lower: this.#lower, upper: this.#upper }
  }
}

class LongExtremes implements Extremes {
  readonly type: Type
  readonly nans = undefined
  #bounds: { lower: bigint; upper: bigint } | undefined

  constructor(type: Type) {
    this.type = type
  }

  add(column: Column, present: Validity): void {
    const values = (column as FixedColumn).values as BigInt64Array
    const halves = new Int32Array(values.buffer, values.byteOffset, values.length * 2)
    let lowest = -1
    let highest = -1
    let [lowHigh, lowLow, highHigh, highLow] = [0, 0, 0, 0]
    for (let i = 0; i < column.length; i++) {
      if (present !== undefined && !isPresent(present, i)) continue
      const high = halves[i * 2 + 1]!
      const low = halves[i * 2]! >>> 0
      if (lowest < 0 || high < lowHigh || (high === lowHigh && low < lowLow)) {
        lowest = i
        lowHigh = high
        lowLow = low
      }
      if (highest < 0 || high > highHigh || (high === highHigh && low > highLow)) {
        highest = i
        highHigh = high
        highLow = low
      }
    }
    if (lowest < 0) return
    const [lower, upper] = [values[lowest]!, values[highest]!]
    const old = this.#bounds
    this.#bounds = {
      lower: old !== undefined && old.lower < lower ? old.lower : lower,
      upper: old !== undefined && old.upper > upper ? old.upper : upper,
    }
  }

  bounds(): { lower: Value; upper: Value } | undefined {
    return this.#bounds
  }
}

/** NaNs are counted and left out of the bounds; a zero bound is -0 below and +0 above (spec: note on field 125). */
class FloatExtremes implements Extremes {
  readonly type: Type
  nans = 0
  #lower = Infinity
  #upper = -Infinity
  #found = false

  constructor(type: Type) {
    this.type = type
  }

  add(column: Column, present: Validity): void {
    const values = (column as FixedColumn).values as Float64Array | Float32Array
    for (let i = 0; i < column.length; i++) {
      if (present !== undefined && !isPresent(present, i)) continue
      const value = values[i]!
      if (Number.isNaN(value)) {
        this.nans++
        continue
      }
      this.#found = true
      if (value < this.#lower) this.#lower = value
      if (value > this.#upper) this.#upper = value
    }
  }

  bounds(): { lower: Value; upper: Value } | undefined {
    if (!this.#found) return undefined
    return { lower: this.#lower === 0 ? -0 : this.#lower, upper: this.#upper === 0 ? 0 : this.#upper }
  }
}

class BytesExtremes implements Extremes {
  readonly type: Type
  readonly nans = undefined
  #lower: Uint8Array | undefined
  #upper: Uint8Array | undefined

  constructor(type: Type) {
    this.type = type
  }

  add(column: Column, present: Validity): void {
    const { offsets, data, length } = column as BytesColumn
    let lowest = -1
    let highest = -1
    for (let i = 0; i < length; i++) {
      if (present !== undefined && !isPresent(present, i)) continue
      if (lowest < 0) lowest = highest = i
      else if (compareRanges(data, offsets, i, lowest) < 0) lowest = i
      else if (compareRanges(data, offsets, i, highest) > 0) highest = i
    }
    if (lowest < 0) return
    const lower = data.subarray(offsets[lowest], offsets[lowest + 1])
    const upper = data.subarray(offsets[highest], offsets[highest + 1])
    if (this.#lower === undefined || compareBytes(lower, this.#lower) < 0) this.#lower = lower.slice()
    if (this.#upper === undefined || compareBytes(upper, this.#upper) > 0) this.#upper = upper.slice()
  }

  bounds(): { lower: Value; upper: Value } | undefined {
    if (this.#lower === undefined || this.#upper === undefined) return undefined
    return { lower: decodeValue(this.type, this.#lower), upper: decodeValue(this.type, this.#upper) }
  }
}

function compareRanges(data: Uint8Array, offsets: Int32Array, a: number, b: number): number {
  const aEnd = offsets[a + 1]!
  const bEnd = offsets[b + 1]!
  let i = offsets[a]!
  let j = offsets[b]!
  for (; i < aEnd && j < bEnd; i++, j++) {
    const difference = data[i]! - data[j]!
    if (difference !== 0) return difference
  }
  return aEnd - i - (bEnd - j)
}

/** Types whose values are few or rarely large: boolean, decimal, uuid, fixed. */
class ValueExtremes implements Extremes {
  readonly type: Type
  readonly nans = undefined
  readonly #compare: (a: Value, b: Value) => number
  #lower: Value | undefined
  #upper: Value | undefined

  constructor(type: Type) {
    this.type = type
    this.#compare = compareValues(type)
  }

  add(column: Column, present: Validity): void {
    const read = presentReader(column)
    for (let i = 0; i < column.length; i++) {
      if (present !== undefined && !isPresent(present, i)) continue
      const value = read(i)
      if (this.#lower === undefined || this.#compare(value, this.#lower) < 0) this.#lower = value
      if (this.#upper === undefined || this.#compare(value, this.#upper) > 0) this.#upper = value
    }
  }

  bounds(): { lower: Value; upper: Value } | undefined {
    return this.#lower === undefined ? undefined : { lower: this.#lower, upper: this.#upper! }
  }
}
