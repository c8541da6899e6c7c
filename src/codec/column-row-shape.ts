/** Whether an object can be a row, or a struct in one: a kind of object that has fields, and no fields that nobody knows. */
import { describeValue, nearMisses } from '../spec/describe.ts'
import type { RowLike } from './column-appender.ts'
import { ValueError } from './column-error.ts'

export interface RowRules {
  /** What happens to a key that no column has: refused by default, or silently dropped. */
  readonly unknownColumns: 'error' | 'ignore'
}

/**
 * Checks the keys of objects against the names of a struct's fields. Rows of one batch nearly always have the same keys
 * in the same order, so the last accepted order is remembered: then a check is one comparison of pointers per key.
 */
export class RowShape {
  readonly #names: ReadonlySet<string>
  readonly #ignoreUnknown: boolean
  #accepted: readonly string[] = []

  constructor(names: readonly string[], rules: RowRules) {
    this.#names = new Set(names)
    this.#ignoreUnknown = rules.unknownColumns === 'ignore'
  }

  /** @throws ValueError if `value` is no row, or has a key that is no column. */
  check(value: unknown): RowLike {
    if (typeof value !== 'object' || value === null) return refuse(value)
    const accepted = this.#accepted
    let count = 0
    for (const key in value) {
      if (key !== accepted[count]) return this.#learn(value)
      count++
    }
    return count === 0 || count !== accepted.length ? this.#learn(value) : (value as RowLike)
  }

  #learn(value: object): RowLike {
    if (isContainer(value)) refuse(value)
    const keys: string[] = []
    for (const key in value) {
      if (!this.#ignoreUnknown && !this.#names.has(key)) {
        const near = nearMisses(key, this.#names)
        const hint = near.length > 0 ? `did you mean '${near[0]!}'?` : "or set unknownColumns: 'ignore'"
        throw new ValueError(`the table has no such column; ${hint}`).within(key)
      }
      keys.push(key)
    }
    this.#accepted = keys
    return value as RowLike
  }
}

function refuse(value: unknown): never {
  throw new ValueError(`found ${describeValue(value)}, expected an object with a key for each column`)
}

/** Objects that hold values, but not under the names of columns: taken as rows they would be rows of nothing. */
function isContainer(value: object): boolean {
  return (
    Array.isArray(value) ||
    ArrayBuffer.isView(value) ||
    value instanceof Date ||
    value instanceof Promise ||
    typeof (value as { [Symbol.iterator]?: unknown })[Symbol.iterator] === 'function'
  )
}

/**
 * The function that reads a field of a row. What every object inherits (`constructor`, `toString`) is no value of a
 * column of that name; anything else may be inherited, as the getters of a class are.
 */
export function fieldReader(name: string): (row: RowLike) => unknown {
  return isInheritedByAll(name) ? (row) => (Object.hasOwn(row, name) ? row[name] : undefined) : (row) => row[name]
}

/** Whether a plain read of `row[name]` would find something in every object. */
export function isInheritedByAll(name: string): boolean {
  return name in Object.prototype
}
