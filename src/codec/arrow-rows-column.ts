/** What a decoder hands to whoever makes rows: columns, and beside them strings that came as a dictionary. */
import type { PrimitiveType } from '../spec/types.ts'
import type { Column, Validity } from './columns.ts'

/** Strings that repeat: value i is entry `indices[i]` of `offsets` and `data`, as in a column of bytes. */
export interface DictionaryColumn {
  readonly kind: 'dictionary'
  readonly fieldId: number
  readonly type: PrimitiveType
  readonly length: number
  readonly nullCount: number
  readonly validity: Validity
  /** Undefined content where a value is null. */
  readonly indices: Int32Array
  readonly valueCount: number
  readonly offsets: Int32Array
  readonly data: Uint8Array
}

export type ReadColumn = Column | DictionaryColumn

/** Rows as they were decoded. The arrays may be views of a memory that is soon used for something else. */
export interface ReadBatch {
  readonly length: number
  readonly columns: readonly ReadColumn[]
}
