/** Batches in memory into finished data files: partitioned, sorted, encoded, described. No I/O. */
import { concat } from '../codec/column-ops.ts'
import type { ColumnBatch } from '../codec/columns.ts'
import { joinBytes } from '../codec/join-bytes.ts'
import { rowGroupPieces } from '../codec/parquet-writer.ts'
import type { DataFile } from '../spec/data-file.ts'
import { openDataFile, type OpenFile } from './open-file.ts'
import { createPartitioner, type Part } from './partitioner.ts'
import { createSorter } from './sort.ts'
import type { WriteContext } from './write-context.ts'

/** A data file that only has to be put. */
export interface EncodedFile {
  readonly key: string
  readonly bytes: Uint8Array
  readonly dataFile: DataFile
}

/**
 * One file for each partition, or several where one would outgrow the target size, in the order in which the
 * partitions first appear. No files for no rows.
 */
export async function encodeDataFiles(batches: readonly ColumnBatch[], context: WriteContext): Promise<EncodedFile[]> {
  const partitioner = createPartitioner(context.spec, context.schema)
  const partitions = new Map<string, Part[]>()
  for (const part of batches.flatMap((batch) => partitioner(batch))) {
    const parts = partitions.get(part.key)
    if (parts === undefined) partitions.set(part.key, [part])
    else parts.push(part)
  }
  const files: EncodedFile[] = []
  for (const parts of partitions.values()) files.push(...(await encodePartition(parts, context)))
  return files
}

async function encodePartition(parts: readonly Part[], context: WriteContext): Promise<EncodedFile[]> {
  const sorter = createSorter(context.sortOrder, context.schema)
  const unsorted = parts.map(({ batch }) => batch)
  const batches = sorter === undefined ? unsorted : [sorter.sort(concat(unsorted))]
  const files: EncodedFile[] = []
  let file: OpenFile | undefined
  let bytes: Uint8Array[] = []
  for (const piece of batches.flatMap((batch) => rowGroupPieces(batch, context.parquet))) {
    file ??= await openDataFile(context, parts[0]!.tuple)
    bytes.push(...file.write(piece))
    if (!file.isFull) continue
    files.push(finish(file, bytes))
    file = undefined
    bytes = []
  }
  if (file !== undefined) files.push(finish(file, bytes))
  return files
}

function finish(file: OpenFile, bytes: readonly Uint8Array[]): EncodedFile {
  const { parts, dataFile } = file.finish()
  return { key: file.name.key, bytes: joinBytes([...bytes, ...parts]), dataFile }
}
