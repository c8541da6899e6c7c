/**
 * The deep part of a verification: every data file is decoded from end to end, its rows are counted, and what its
 * manifest says of its columns is compared with what is in them.
 */
import type { ColumnBatch } from '../codec/columns.ts'
import type { ReadBatch } from '../codec/arrow-rows-column.ts'
import { decodeRowGroup, prepareDecoder } from '../codec/parquet-reader-decode.ts'
import { sourcesOf } from '../codec/parquet-reader-fields.ts'
import { decodePlan } from '../codec/parquet-reader-plan.ts'
import type { ParquetHandle } from '../codec/parquet-reader.ts'
import { fetchWanted, openParquet } from '../codec/parquet-reader.ts'
import { throwIfAborted } from '../errors.ts'
import type { TableMetadata } from '../spec/metadata.ts'
import { currentSchema } from '../spec/metadata.ts'
import { NAME_MAPPING_PROPERTY, parseNameMapping } from '../spec/name-mapping.ts'
import { indexSchema } from '../spec/schema.ts'
import { isPrimitive } from '../spec/types.ts'
import type { TableFiles } from '../store/table-files.ts'
import { MetricsCollector } from '../write/metrics.ts'
import type { MetricsModes } from '../write/metrics-modes.ts'
import { inParallel } from './in-parallel.ts'
import type { VerifyOptions, VerifyProblem } from './verify.ts'
import type { LiveFile } from './verify-manifests.ts'
import { noteDamage } from './verify-manifests.ts'
import { metricsProblems } from './verify-metrics.ts'
import { plainColumn } from './verify-plain-column.ts'

/** Files read at once: one is decoded while the next comes in. */
const PARALLEL_FILES = 2

export interface DeepContext {
  readonly files: TableFiles
  readonly metadata: TableMetadata
  readonly problems: VerifyProblem[]
  readonly options: VerifyOptions
}

/** Reads these data files. @returns how many were read; what is no Parquet, or holds deletes, is left out. */
export async function verifyDeep(context: DeepContext, live: readonly LiveFile[]): Promise<number> {
  const { signal, onProgress } = context.options
  const readable = live.filter(({ dataFile }) => dataFile.content === 'data' && dataFile.format === 'parquet')
  if (readable.length === 0) return 0
  await prepareDecoder()
  let rows = 0
  let bytes = 0
  await inParallel(readable, PARALLEL_FILES, async (file) => {
    throwIfAborted(signal, 'the verification')
    try {
      rows += await verifyFile(context, file)
    } catch (error) {
      noteDamage(context.problems, file.dataFile.path, error)
    }
    bytes += Number(file.dataFile.fileSizeBytes)
    onProgress?.({ rows, bytes })
  })
  return readable.length
}

/** @returns the rows of the file. */
async function verifyFile({ files, metadata, problems, options }: DeepContext, { dataFile, manifest }: LiveFile) {
  const { path } = dataFile
  const schema = currentSchema(metadata)
  const handle = await openStored(files, path, Number(dataFile.fileSizeBytes), options.signal)
  const { footer } = handle
  if (BigInt(footer.rowCount) !== dataFile.recordCount) {
    const found = `it has ${footer.rowCount} rows, ${manifest} says ${dataFile.recordCount}`
    problems.push({ object: path, kind: 'mismatch', found })
  }
  const mapping = metadata.properties[NAME_MAPPING_PROPERTY]
  const sources = sourcesOf(schema.fields, footer.root, {
    where: path,
    ...(mapping !== undefined && { nameMapping: parseNameMapping(mapping) }),
  })
  const plan = decodePlan(footer, sources, path)
  const collector = new MetricsCollector(schema, fullMetrics(metadata))
  for (const group of footer.rowGroups.keys()) {
    throwIfAborted(options.signal, 'the verification')
    const chunks = await fetchWanted(handle, [{ rowGroup: group, leaves: plan.leaves }])
    await decodeRowGroup(
      plan,
      group,
      (leaf) => chunks.bytesOf(group, leaf),
      (batch) => collector.add(plainBatch(batch)),
    )
  }
  // What the file does not hold itself (columns added later) says nothing about its manifest.
  const stored = new Set(sources.filter(({ kind }) => kind === 'stored').map(({ field }) => field.id))
  for (const found of metricsProblems(schema, dataFile, collector.finish(), stored)) {
    problems.push({ object: path, kind: 'mismatch', found })
  }
  return footer.rowCount
}

function openStored(
  files: TableFiles,
  path: string,
  size: number,
  signal: AbortSignal | undefined,
): Promise<ParquetHandle> {
  const key = files.resolve(path)
  const read = async (start: number, end: number) =>
    (await files.store.get(key, { range: { start, end }, signal })) ?? new Uint8Array()
  return openParquet({ size, read }, path)
}

/** Counts and whole bounds of every field that can have them. */
function fullMetrics(metadata: TableMetadata): MetricsModes {
  const modes = new Map<number, 'full'>()
  for (const [id, { field, parentKinds }] of indexSchema(currentSchema(metadata)).byId) {
    if (isPrimitive(field.type) && parentKinds.every((kind) => kind === 'struct')) modes.set(id, 'full')
  }
  return modes
}

function plainBatch(batch: ReadBatch): ColumnBatch {
  return { length: batch.length, columns: batch.columns.map(plainColumn) }
}
