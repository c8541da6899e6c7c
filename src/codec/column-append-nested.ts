/** Columns of struct, list and map in the making. */
import { describeValue } from '../spec/describe.ts'
import { mismatch, toValue } from '../spec/literal.ts'
import type { Field, ListType, MapType, StructType, Type, Value } from '../spec/types.ts'
import { isPrimitive } from '../spec/types.ts'
import type { Appender, ColumnSpec, RowLike } from './column-appender.ts'
import { grown, missing } from './column-appender.ts'
import { asValueError, ValueError } from './column-error.ts'
import { Nulls } from './column-nulls.ts'
import type { RowRules } from './column-row-shape.ts'
import { fieldReader, RowShape } from './column-row-shape.ts'
import type { ListColumn, MapColumn, StructColumn } from './columns.ts'

/** Makes the appender of a field; given by whoever knows all kinds. */
export type MakeAppender = (spec: ColumnSpec, rules: RowRules) => Appender

/** struct: an object with a key for each field. */
export class StructAppender implements Appender {
  length = 0
  readonly #spec: ColumnSpec
  readonly #nulls = new Nulls()
  readonly #shape: RowShape
  readonly #children: readonly { name: string; read: (row: RowLike) => unknown; appender: Appender }[]

  constructor(spec: ColumnSpec, rules: RowRules, make: MakeAppender) {
    const { fields } = spec.type as StructType
    this.#spec = spec
    this.#shape = new RowShape(fields.map(nameOf), rules)
    this.#children = fields.map((field) => ({
      name: field.name,
      read: fieldReader(field.name),
      appender: make({ fieldId: field.id, type: field.type, required: field.required }, rules),
    }))
  }

  get byteSize(): number {
    return this.#children.reduce((size, { appender }) => size + appender.byteSize, 0)
  }

  append(value: unknown): void {
    if (value === null || value === undefined) {
      if (this.#spec.required) throw missing(value, this.#spec)
      this.appendAbsent()
      return
    }
    const row = this.#shape.check(value)
    for (const { name, read, appender } of this.#children) {
      try {
        appender.append(read(row))
      } catch (error) {
        throw asValueError(error).within(name)
      }
    }
    this.length++
  }

  appendAbsent(): void {
    if (!this.#spec.required) this.#nulls.mark(this.length)
    for (const { appender } of this.#children) appender.appendAbsent()
    this.length++
  }

  appendColumn(rows: readonly RowLike[], from: number, to: number, name: string): void {
    for (let i = from; i < to; i++) this.append(rows[i]![name])
  }

  truncate(length: number): void {
    this.#nulls.truncate(length, this.length)
    for (const { appender } of this.#children) appender.truncate(length)
    this.length = length
  }

  finish(): StructColumn {
    const { length } = this
    const { fieldId, type } = this.#spec
    this.length = 0
    const children = this.#children.map(({ appender }) => appender.finish())
    return { kind: 'struct', fieldId, type, length, ...this.#nulls.finish(length), children }
  }
}

const nameOf = (field: Field): string => field.name

/** list: an array, a typed array or a Set. */
export class ListAppender implements Appender {
  length = 0
  readonly #spec: ColumnSpec
  readonly #nulls = new Nulls()
  /** Of the batch before: how large its buffer had to be. */
  #before = 0
  readonly #element: Appender
  #offsets = new Int32Array(0)

  constructor(spec: ColumnSpec, rules: RowRules, make: MakeAppender) {
    const type = spec.type as ListType
    this.#spec = spec
    this.#element = make({ fieldId: type.elementId, type: type.element, required: type.elementRequired }, rules)
  }

  get byteSize(): number {
    return this.length * 4 + this.#element.byteSize
  }

  append(value: unknown): void {
    if (value === null || value === undefined) {
      if (this.#spec.required) throw missing(value, this.#spec)
      this.appendAbsent()
      return
    }
    let index = 0
    for (const element of elementsOf(value, this.#spec.type)) {
      try {
        this.#element.append(element)
      } catch (error) {
        throw asValueError(error).within(`[${index}]`)
      }
      index++
    }
    this.#end()
  }

  appendAbsent(): void {
    if (!this.#spec.required) this.#nulls.mark(this.length)
    this.#end()
  }

  appendColumn(rows: readonly RowLike[], from: number, to: number, name: string): void {
    for (let i = from; i < to; i++) this.append(rows[i]![name])
  }

  truncate(length: number): void {
    this.#nulls.truncate(length, this.length)
    this.#element.truncate(length === 0 ? 0 : this.#offsets[length]!)
    this.length = length
  }

  finish(): ListColumn {
    const { length } = this
    const { fieldId, type } = this.#spec
    const offsets = length === 0 ? new Int32Array(1) : this.#offsets.subarray(0, length + 1)
    this.#before = length + 1
    this.#offsets = new Int32Array(0)
    this.length = 0
    return {
      kind: 'list',
      fieldId,
      type,
      length,
      ...this.#nulls.finish(length),
      offsets,
      element: this.#element.finish(),
    }
  }

  #end(): void {
    if (this.length + 2 > this.#offsets.length) this.#offsets = grown(this.#offsets, this.length + 2, this.#before)
    this.#offsets[++this.length] = this.#element.length
  }
}

function elementsOf(value: unknown, type: Type): Iterable<unknown> {
  const isTypedArray = ArrayBuffer.isView(value) && !(value instanceof DataView)
  if (Array.isArray(value) || value instanceof Set || isTypedArray) return value as Iterable<unknown>
  return mismatch(type, value, 'an array')
}

/** map: a Map, an array of entries, or a plain object if the keys are strings. */
export class MapAppender implements Appender {
  length = 0
  readonly #spec: ColumnSpec
  readonly #keyType: Type
  readonly #nulls = new Nulls()
  /** Of the batch before: how large its buffer had to be. */
  #before = 0
  readonly #key: Appender
  readonly #value: Appender
  #offsets = new Int32Array(0)

  constructor(spec: ColumnSpec, rules: RowRules, make: MakeAppender) {
    const type = spec.type as MapType
    this.#spec = spec
    this.#keyType = type.key
    this.#key = make({ fieldId: type.keyId, type: type.key, required: true }, rules)
    this.#value = make({ fieldId: type.valueId, type: type.value, required: type.valueRequired }, rules)
  }

  get byteSize(): number {
    return this.length * 4 + this.#key.byteSize + this.#value.byteSize
  }

  append(value: unknown): void {
    if (value === null || value === undefined) {
      if (this.#spec.required) throw missing(value, this.#spec)
      this.appendAbsent()
      return
    }
    const seen = new Set<string>()
    let index = 0
    for (const entry of this.#entriesOf(value)) {
      try {
        this.#appendEntry(entry, seen)
      } catch (error) {
        throw asValueError(error).within(`[${index}]`)
      }
      index++
    }
    this.#end()
  }

  appendAbsent(): void {
    if (!this.#spec.required) this.#nulls.mark(this.length)
    this.#end()
  }

  appendColumn(rows: readonly RowLike[], from: number, to: number, name: string): void {
    for (let i = from; i < to; i++) this.append(rows[i]![name])
  }

  truncate(length: number): void {
    this.#nulls.truncate(length, this.length)
    const entries = length === 0 ? 0 : this.#offsets[length]!
    this.#key.truncate(entries)
    this.#value.truncate(entries)
    this.length = length
  }

  finish(): MapColumn {
    const { length } = this
    const { fieldId, type } = this.#spec
    const offsets = length === 0 ? new Int32Array(1) : this.#offsets.subarray(0, length + 1)
    this.#before = length + 1
    this.#offsets = new Int32Array(0)
    this.length = 0
    const [key, value] = [this.#key.finish(), this.#value.finish()]
    return { kind: 'map', fieldId, type, length, ...this.#nulls.finish(length), offsets, key, value }
  }

  #appendEntry(entry: unknown, seen: Set<string>): void {
    if (!Array.isArray(entry) || entry.length !== 2) {
      throw new ValueError(`found ${describeValue(entry)}, expected an entry [key, value]`)
    }
    const [key, value] = entry as [unknown, unknown]
    try {
      this.#key.append(key)
    } catch (error) {
      throw asValueError(error).within('key')
    }
    if (isPrimitive(this.#keyType)) {
      const identity = keyIdentity(toValue(this.#keyType, key))
      if (seen.has(identity)) throw new ValueError(`found ${describeValue(key)} twice; the keys of a map are unique`)
      seen.add(identity)
    }
    try {
      this.#value.append(value)
    } catch (error) {
      throw asValueError(error).within('value')
    }
  }

  #entriesOf(value: unknown): Iterable<unknown> {
    if (value instanceof Map || Array.isArray(value)) return value
    const stringKeys = this.#keyType.type === 'string'
    if (stringKeys && isPlainObject(value)) return Object.entries(value)
    return mismatch(this.#spec.type, value, `a Map, an array of entries${stringKeys ? ', or a plain object' : ''}`)
  }

  #end(): void {
    if (this.length + 2 > this.#offsets.length) this.#offsets = grown(this.#offsets, this.length + 2, this.#before)
    this.#offsets[++this.length] = this.#key.length
  }
}

function isPlainObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

/** Equal exactly for equal keys of one type; as Iceberg's maps compare them, 0 and -0 are two. */
function keyIdentity(key: Value): string {
  if (key instanceof Uint8Array) return key.join()
  return Object.is(key, -0) ? '-0' : String(key)
}
