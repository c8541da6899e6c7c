/** Columns of string and binary in the making. */
import { isWellFormed, toValue } from '../spec/literal.ts'
import type { Appender, ColumnSpec, RowLike } from './column-appender.ts'
import { grown, grownBytes, missing } from './column-appender.ts'
import { Nulls } from './column-nulls.ts'
import type { BytesColumn } from './columns.ts'

const encoder = new TextEncoder()

/** Up to this many characters a loop over them beats the call into the encoder (measured on Node 20). */
const SHORT_CHARS = 64

/** string: ASCII goes straight into the buffer, anything else through TextEncoder. */
export class StringAppender implements Appender {
  length = 0
  readonly #spec: ColumnSpec
  readonly #nulls = new Nulls()
  /** Of the batch before: how large its buffers had to be. */
  #before = 0
  #dataBefore = 0
  #offsets = new Int32Array(0)
  #data = new Uint8Array(0)
  #size = 0

  constructor(spec: ColumnSpec) {
    this.#spec = spec
  }

  get byteSize(): number {
    return this.#size + this.length * 4
  }

  append(value: unknown): void {
    if (typeof value === 'string') {
      this.#putAny(value)
    } else if (value === null || value === undefined) {
      if (this.#spec.required) throw missing(value, this.#spec)
      this.appendAbsent()
    } else {
      toValue(this.#spec.type, value)
    }
  }

  appendAbsent(): void {
    if (!this.#spec.required) this.#nulls.mark(this.length)
    this.#end(this.#size)
  }

  appendColumn(rows: readonly RowLike[], from: number, to: number, name: string): void {
    for (let i = from; i < to; i++) {
      const value = rows[i]![name]
      if (typeof value !== 'string' || !this.#putAscii(value)) this.append(value)
    }
  }

  truncate(length: number): void {
    this.#nulls.truncate(length, this.length)
    this.#size = length === 0 ? 0 : this.#offsets[length]!
    this.length = length
  }

  finish(): BytesColumn {
    const { length } = this
    const { fieldId, type } = this.#spec
    const offsets = length === 0 ? new Int32Array(1) : this.#offsets.subarray(0, length + 1)
    const data = this.#data.subarray(0, this.#size)
    this.#before = length + 1
    this.#dataBefore = this.#size + (this.#size >> 3)
    this.#offsets = new Int32Array(0)
    this.#data = new Uint8Array(0)
    this.#size = 0
    this.length = 0
    return { kind: 'bytes', fieldId, type, length, ...this.#nulls.finish(length), offsets, data }
  }

  /** Stores a short ASCII string; false, and nothing stored, if it is not one. */
  #putAscii(text: string): boolean {
    const { length } = text
    const at = this.#size
    if (length > SHORT_CHARS) return false
    if (at + length > this.#data.length) this.#data = grownBytes(this.#data, at + length, this.#dataBefore)
    const data = this.#data
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i)
      if (code > 0x7f) return false
      data[at + i] = code
    }
    this.#end(at + length)
    return true
  }

  #putAny(text: string): void {
    // At most three bytes for each UTF-16 unit; growing by that would waste two thirds for long ASCII texts.
    let needed = this.#size + text.length + 16
    for (;;) {
      if (needed > this.#data.length) this.#data = grownBytes(this.#data, needed, this.#dataBefore)
      const { read, written } = encoder.encodeInto(text, this.#data.subarray(this.#size))
      if (read === text.length) {
        // The encoder replaces a lone surrogate without a word. Only text beyond ASCII can have one.
        if (written !== text.length && !isWellFormed(text)) toValue(this.#spec.type, text)
        this.#end(this.#size + written)
        return
      }
      needed = this.#size + written + (text.length - read) * 3
    }
  }

  #end(size: number): void {
    this.#size = size
    if (this.length + 2 > this.#offsets.length) this.#offsets = grown(this.#offsets, this.length + 2, this.#before)
    this.#offsets[++this.length] = size
  }
}

/** binary. */
export class BinaryAppender implements Appender {
  length = 0
  readonly #spec: ColumnSpec
  readonly #nulls = new Nulls()
  /** Of the batch before: how large its buffers had to be. */
  #before = 0
  #dataBefore = 0
  #offsets = new Int32Array(0)
  #data = new Uint8Array(0)
  #size = 0

  constructor(spec: ColumnSpec) {
    this.#spec = spec
  }

  get byteSize(): number {
    return this.#size + this.length * 4
  }

  append(value: unknown): void {
    if (value === null || value === undefined) {
      if (this.#spec.required) throw missing(value, this.#spec)
      this.appendAbsent()
    } else {
      this.#put(toValue(this.#spec.type, value) as Uint8Array)
    }
  }

  appendAbsent(): void {
    if (!this.#spec.required) this.#nulls.mark(this.length)
    this.#put(EMPTY)
  }

  appendColumn(rows: readonly RowLike[], from: number, to: number, name: string): void {
    for (let i = from; i < to; i++) this.append(rows[i]![name])
  }

  truncate(length: number): void {
    this.#nulls.truncate(length, this.length)
    this.#size = length === 0 ? 0 : this.#offsets[length]!
    this.length = length
  }

  finish(): BytesColumn {
    const { length } = this
    const { fieldId, type } = this.#spec
    const offsets = length === 0 ? new Int32Array(1) : this.#offsets.subarray(0, length + 1)
    const data = this.#data.subarray(0, this.#size)
    this.#before = length + 1
    this.#dataBefore = this.#size + (this.#size >> 3)
    this.#offsets = new Int32Array(0)
    this.#data = new Uint8Array(0)
    this.#size = 0
    this.length = 0
    return { kind: 'bytes', fieldId, type, length, ...this.#nulls.finish(length), offsets, data }
  }

  #put(bytes: Uint8Array): void {
    const end = this.#size + bytes.length
    if (end > this.#data.length) this.#data = grownBytes(this.#data, end, this.#dataBefore)
    this.#data.set(bytes, this.#size)
    this.#size = end
    if (this.length + 2 > this.#offsets.length) this.#offsets = grown(this.#offsets, this.length + 2, this.#before)
    this.#offsets[++this.length] = end
  }
}

const EMPTY = new Uint8Array(0)
