/** Rows to partitions: the values of a spec's transforms, row by row, and the rows of each combination. */
import { columnAt, columnReader } from '../codec/column-values.ts'
import { take } from '../codec/column-ops.ts'
import type { ColumnBatch } from '../codec/columns.ts'
import type { PartitionField, PartitionSpec, PartitionTuple } from '../spec/partition.ts'
import { indexSchema } from '../spec/schema.ts'
import { bindTransform } from '../spec/transforms.ts'
import type { Schema, Value } from '../spec/types.ts'

/** The rows of one partition. */
export interface Part {
  readonly tuple: PartitionTuple
  /** Equal for equal tuples of one spec. */
  readonly key: string
  readonly batch: ColumnBatch
}

/** Splits batches by partition, keeping the order of the rows within each. */
export type Partitioner = (batch: ColumnBatch) => readonly Part[]

/**
 * The partitioner of a spec. Costs nothing if the spec is unpartitioned, and no copy where all rows of a batch are in
 * one partition.
 */
export function createPartitioner(spec: PartitionSpec, schema: Schema): Partitioner {
  if (spec.fields.length === 0) return (batch) => (batch.length === 0 ? [] : [{ tuple: [], key: '', batch }])
  const fields = spec.fields.map((field) => new FieldValues(field, schema))
  return (batch) => (batch.length === 0 ? [] : split(batch, fields))
}

function split(batch: ColumnBatch, fields: readonly FieldValues[]): Part[] {
  const codes = fields.map((field) => field.codes(batch))
  const groupOfRow = new Int32Array(batch.length)
  const groups = groupRows(codes, groupOfRow)
  const part = (row: number, rows: ColumnBatch): Part => ({
    tuple: fields.map((field, f) => field.value(codes[f]![row]!)),
    key: codes.map((column) => column[row]).join(),
    batch: rows,
  })
  if (groups.length === 1) return [part(0, batch)]
  const indices = groups.map(({ count }) => new Int32Array(count))
  const filled = new Int32Array(groups.length)
  for (let row = 0; row < batch.length; row++) {
    const group = groupOfRow[row]!
    indices[group]![filled[group]!++] = row
  }
  return groups.map(({ firstRow }, group) => part(firstRow, take(batch, indices[group]!)))
}

/** Numbers the combinations of codes in the order of their first rows. */
function groupRows(codes: readonly Int32Array[], groupOfRow: Int32Array): { firstRow: number; count: number }[] {
  const groups: { firstRow: number; count: number }[] = []
  const known = new Map<string | number, number>()
  const only = codes.length === 1 ? codes[0] : undefined
  for (let row = 0; row < groupOfRow.length; row++) {
    const key = only === undefined ? codes.map((column) => column[row]).join() : only[row]!
    let group = known.get(key)
    if (group === undefined) {
      group = groups.length
      known.set(key, group)
      groups.push({ firstRow: row, count: 0 })
    }
    groupOfRow[row] = group
    groups[group]!.count++
  }
  return groups
}

/** Results remembered by source value, for columns that repeat themselves. */
const MAX_REMEMBERED = 65_536

/** The values of one partition field, numbered. The numbers hold for all batches of this partitioner. */
class FieldValues {
  readonly #transform: (value: Value | null) => Value | null
  readonly #path: readonly number[] | undefined
  readonly #codes = new Map<string, number>()
  readonly #values: (Value | null)[] = []
  readonly #remembered = new Map<Value | null, number>()

  constructor(field: PartitionField, schema: Schema) {
    const source = indexSchema(schema).byId.get(field.sourceId)
    // A dropped source column leaves a field that is null for all new rows.
    this.#path = source?.path
    this.#transform = source === undefined ? () => null : bindTransform(field.transform, source.field.type)
  }

  value(code: number): Value | null {
    return this.#values[code]!
  }

  codes(batch: ColumnBatch): Int32Array {
    const codes = new Int32Array(batch.length)
    const placed = this.#path === undefined ? undefined : columnAt(batch, this.#path)
    if (placed === undefined) return codes.fill(this.#code(this.#transform(null)))
    const read = columnReader(placed.column, placed.around)
    for (let row = 0; row < codes.length; row++) codes[row] = this.#codeOf(read(row))
    return codes
  }

  #codeOf(source: Value | null): number {
    const known = this.#remembered.get(source)
    // A Map takes -0 for 0, and they are two values.
    if (known !== undefined && source !== 0) return known
    const code = this.#code(this.#transform(source))
    if (this.#remembered.size < MAX_REMEMBERED && !(source instanceof Uint8Array)) this.#remembered.set(source, code)
    return code
  }

  #code(value: Value | null): number {
    const identity = identityOf(value)
    let code = this.#codes.get(identity)
    if (code === undefined) {
      code = this.#values.length
      this.#codes.set(identity, code)
      this.#values.push(value)
    }
    return code
  }
}

/** Values of one field are all of one type, or null. */
function identityOf(value: Value | null): string {
  if (value === null) return 'null'
  if (typeof value === 'string') return `'${value}`
  if (value instanceof Uint8Array) return value.join()
  return Object.is(value, -0) ? '-0' : String(value)
}
