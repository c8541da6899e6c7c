/** Which rows of a decoded batch satisfy a predicate. */
import type { ReadBatch, ReadColumn } from '../codec/arrow-rows-column.ts'
import { dictionaryReader } from '../codec/arrow-rows-strings.ts'
import { columnReader, bothPresent } from '../codec/column-values.ts'
import { isPresent } from '../codec/column-nulls.ts'
import type { Validity } from '../codec/columns.ts'
import { assert } from '../errors.ts'
import { compilePredicate } from '../spec/evaluate.ts'
import type { BoundPredicate, BoundTerm } from '../spec/expressions.ts'
import type { Value } from '../spec/types.ts'

/** Positions of the rows for which `predicate` is true, ascending, at most `limit`; undefined: all of them. */
export function matchingRows(batch: ReadBatch, predicate: BoundPredicate, limit: number): Int32Array | undefined {
  if (predicate.op === 'true') return batch.length <= limit ? undefined : firstRows(limit)
  const matches = compilePredicate<number>(predicate, (term) => termReader(batch, term))
  const found = new Int32Array(Math.min(batch.length, limit))
  let count = 0
  for (let i = 0; i < batch.length && count < found.length; i++) if (matches(i)) found[count++] = i
  return count === batch.length ? undefined : found.subarray(0, count)
}

function firstRows(count: number): Int32Array {
  return Int32Array.from({ length: count }, (_, i) => i)
}

/** The canonical values of a term; for structs, lists and maps, which are only asked whether they are there, any value. */
function termReader(batch: ReadBatch, term: BoundTerm): (row: number) => Value | null {
  let columns: readonly ReadColumn[] = batch.columns
  let around: Validity
  let found: ReadColumn | undefined
  for (const id of term.path) {
    if (found !== undefined) around = bothPresent(around, found.validity)
    found = columns.find((column) => column.fieldId === id)
    columns = found?.kind === 'struct' ? found.children : []
  }
  assert(found !== undefined, `column '${term.name}' of the filter was not read`)
  if (found.kind === 'dictionary') return dictionaryReader(found)
  if (found.kind === 'fixed' || found.kind === 'bytes') return columnReader(found, around)
  const { validity } = found
  return (row) => (isPresent(validity, row) && isPresent(around, row) ? true : null)
}
