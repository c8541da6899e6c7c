/** What is to be decoded of a Parquet file, and how. */
import { DataShardError } from '../errors.ts'
import type { ParquetFooter } from './parquet-footer.ts'
import { RESTORE } from './parquet-footer.ts'
import { completeLeaves } from './parquet-reader-excerpt.ts'
import type { FieldSource } from './parquet-reader-fields.ts'
import { leavesToRead } from './parquet-reader-fields.ts'

/** How the rows of a file are to be read. */
export interface DecodePlan {
  readonly footer: ParquetFooter
  readonly sources: readonly FieldSource[]
  /** All columns that must be fetched. */
  readonly leaves: ReadonlySet<number>
  /** Names the file in errors. */
  readonly where: string
  /** Repeated strings come as dictionaries: right for whoever makes strings of them, slower for who copies bytes. */
  readonly dictionaries: boolean
}

/** The plan that gives the fields of `sources` in their order. */
export function decodePlan(
  footer: ParquetFooter,
  sources: readonly FieldSource[],
  where: string,
  dictionaries = true,
): DecodePlan {
  return { footer, sources, leaves: completeLeaves(footer.root, leavesToRead(sources)), where, dictionaries }
}

/** Strings at the top whose pages are all dictionary-encoded: each value is decoded once, however often it occurs. */
export function dictionariesOf(plan: DecodePlan, rowGroup: number): ReadonlySet<number> {
  const { chunks } = plan.footer.rowGroups[rowGroup]!
  const leaves = new Set<number>()
  if (!plan.dictionaries) return leaves
  for (const source of plan.sources) {
    if (source.kind !== 'stored' || source.field.type.type !== 'string') continue
    const { node } = source.shape
    if (node.annotation?.kind === 'string' && chunks[node.leaf]!.dictionaryOnly) leaves.add(node.leaf)
  }
  return leaves
}

/** @throws `corrupt`, naming the file. */
export function damaged(plan: DecodePlan, found: string, cause?: unknown): never {
  throw new DataShardError('corrupt', `${plan.where} is damaged: ${found.split('\n')[0]!}; ${RESTORE}`, { cause })
}
