/**
 * Row objects whose properties are the columns of a table: as fast as V8 makes objects of names that the code does not
 * know, without generating code (docs/decisions/scan-rows.md has the figures).
 */
import type { ValueReader } from './arrow-rows-values.ts'

export type Row = Record<string, unknown>

/** Gives row `i`. */
export type RowMaker = (i: number) => Row

/** Rows of which property `names[c]` is what `readers[c]` gives. */
export function rowMaker(names: readonly string[], readers: readonly ValueReader[]): RowMaker {
  if (names.length === 0 || names.includes('__proto__')) return objectMaker(names, readers)
  const { PlainRow, keys } = shapeOf(names)
  const fill = firstColumns(keys, readers)
  if (keys.length <= UNROLLED) return (i) => fill(new PlainRow(), i)
  return (i) => {
    const row = fill(new PlainRow(), i)
    for (let c = UNROLLED; c < keys.length; c++) row[keys[c]!] = readers[c]!(i)
    return row
  }
}

/** The same for objects inside rows, which must not spoil for rows what {@link firstColumns} says. */
export function objectMaker(names: readonly string[], readers: readonly ValueReader[]): RowMaker {
  // Assigning to `__proto__` would not make a property of it.
  if (names.includes('__proto__')) {
    return (i) => Object.fromEntries(names.map((name, c) => [name, readers[c]!(i)]))
  }
  const { PlainRow, keys } = shapeOf(names)
  return (i) => {
    const row = new PlainRow()
    for (let c = 0; c < keys.length; c++) row[keys[c]!] = readers[c]!(i)
    return row
  }
}

/** Columns that {@link firstColumns} has a line for. */
const UNROLLED = 16

/**
 * Line by line, because V8 keeps for each place in the code what it has seen there: a line that meets one name and one
 * reader becomes a store and a call that is inlined, while a loop over all columns looks each name up again.
 */
function firstColumns(names: readonly string[], read: readonly ValueReader[]): (row: Row, i: number) => Row {
  const count = names.length
  return (row, i) => {
    row[names[0]!] = read[0]!(i)
    if (count === 1) return row
    row[names[1]!] = read[1]!(i)
    if (count === 2) return row
    row[names[2]!] = read[2]!(i)
    if (count === 3) return row
    row[names[3]!] = read[3]!(i)
    if (count === 4) return row
    row[names[4]!] = read[4]!(i)
    if (count === 5) return row
    row[names[5]!] = read[5]!(i)
    if (count === 6) return row
    row[names[6]!] = read[6]!(i)
    if (count === 7) return row
    row[names[7]!] = read[7]!(i)
    if (count === 8) return row
    row[names[8]!] = read[8]!(i)
    if (count === 9) return row
    row[names[9]!] = read[9]!(i)
    if (count === 10) return row
    row[names[10]!] = read[10]!(i)
    if (count === 11) return row
    row[names[11]!] = read[11]!(i)
    if (count === 12) return row
    row[names[12]!] = read[12]!(i)
    if (count === 13) return row
    row[names[13]!] = read[13]!(i)
    if (count === 14) return row
    row[names[14]!] = read[14]!(i)
    if (count === 15) return row
    row[names[15]!] = read[15]!(i)
    return row
  }
}

interface RowShape {
  readonly PlainRow: new () => Row
  /** The names, as V8 keeps names of properties: other strings of the same text would have to be looked up each time. */
  readonly keys: readonly string[]
}

/** Shapes that are kept, so that the rows of all batches, and of the next scan, are of one hidden class. */
const MAX_SHAPES = 64
const shapes = new Map<string, RowShape>()

function shapeOf(names: readonly string[]): RowShape {
  const id = JSON.stringify(names)
  const known = shapes.get(id)
  if (known !== undefined) return known
  if (shapes.size >= MAX_SHAPES) shapes.delete(shapes.keys().next().value!)
  const shape = { PlainRow: plainConstructor(names.length), keys: names.map((name) => Object.keys({ [name]: 0 })[0]!) }
  shapes.set(id, shape)
  return shape
}

/** Columns that each constructor of a chain makes room for. */
const ROOM = 8

/**
 * A constructor of empty plain objects that have room for so many properties inside; others keep those beyond the tenth
 * in an array that is copied each time it grows. V8 counts the assignments to `this` in the constructor and in those it
 * extends, executed or not, and takes back what the first few objects did not need.
 */
function plainConstructor(columns: number): new () => Row {
  let constructor: object = Function.prototype
  for (let room = 0; room <= columns; room += ROOM) {
    const extended = function (this: Row, never?: boolean) {
      if (never !== true) return
      this['a'] = this['b'] = this['c'] = this['d'] = 0
      this['e'] = this['f'] = this['g'] = this['h'] = 0
    }
    constructor = Object.setPrototypeOf(extended, constructor) as object
  }
  const PlainRow = constructor as { new (): Row; prototype: Row }
  PlainRow.prototype = Object.prototype as Row
  return PlainRow
}
