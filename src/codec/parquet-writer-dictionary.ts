/**
 * Which columns a dictionary is worth its work for. parquet-rs tries one on every column and gives up only when the
 * dictionary passes 1 MiB: of a million timestamps or ids, all different, it stores each twice. Measured on task_logs:
 * half the bytes and a third less time without (docs/decisions/write-parquet.md).
 */
import type { BytesColumn, Column, FixedColumn } from './columns.ts'

/** Values looked at. */
const SAMPLE = 2048
/** So many of them must differ for a dictionary to be refused: then the column has some 10,000 values or more. */
const DISTINCT_SHARE = 0.9
/** Below this many rows the choice is not worth making. */
const FEW_ROWS = 8192

/** True for everything nested, small or repetitive. */
export function worthDictionary(column: Column): boolean {
  if (column.length < FEW_ROWS || (column.kind !== 'fixed' && column.kind !== 'bytes')) return true
  const identity = column.kind === 'bytes' ? bytesIdentity(column) : fixedIdentity(column)
  const seen = new Set<unknown>()
  const step = column.length / SAMPLE
  for (let i = 0; i < SAMPLE; i++) seen.add(identity(Math.floor(i * step)))
  return seen.size < SAMPLE * DISTINCT_SHARE
}

function bytesIdentity({ offsets, data }: BytesColumn): (row: number) => unknown {
  return (row) => hash(data, offsets[row]!, offsets[row + 1]!)
}

function fixedIdentity({ values, length }: FixedColumn): (row: number) => unknown {
  if (!(values instanceof Uint8Array)) return (row) => values[row]
  const width = values.length / length
  return (row) => hash(values, row * width, (row + 1) * width)
}

/** FNV-1a, 32 bits: a collision in a sample of two thousand is rare, and does no harm. */
function hash(bytes: Uint8Array, from: number, to: number): number {
  let value = 0x811c9dc5
  for (let i = from; i < to; i++) value = Math.imul(value ^ bytes[i]!, 0x01000193)
  return value
}
