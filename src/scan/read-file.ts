/** One data file: opened, checked against what the table says of it, and cut into pieces that are fetched in one go. */
import { rowGroupMetrics } from '../codec/parquet-metrics.ts'
import type { DecodePlan } from '../codec/parquet-reader-plan.ts'
import { decodePlan } from '../codec/parquet-reader-plan.ts'
import { sourcesOf } from '../codec/parquet-reader-fields.ts'
import type { FetchedChunks, ParquetHandle } from '../codec/parquet-reader.ts'
import { fetchWanted, openParquet, WHOLE_FILE_BYTES } from '../codec/parquet-reader.ts'
import { corrupt, DataShardError } from '../errors.ts'
import type { BoundPredicate } from '../spec/expressions.ts'
import type { NameMapping } from '../spec/name-mapping.ts'
import { reduceByMetrics } from '../spec/prune.ts'
import type { Field, Schema, Value } from '../spec/types.ts'
import type { TableFiles } from '../store/table-files.ts'
import { fieldsToRead } from './projection.ts'
import type { FileScanTask } from './task.ts'

/** What a scan wants of each file. */
export interface ReadRequest {
  readonly files: TableFiles
  readonly schema: Schema
  /** The fields of the result. */
  readonly fields: readonly Field[]
  readonly nameMapping: NameMapping | undefined
  /** Whether strings may come as dictionaries. */
  readonly dictionaries: boolean
  readonly signal: AbortSignal
}

/** A row group of which rows may match. */
export interface GroupToRead {
  readonly rowGroup: number
  readonly rowCount: number
  /** What its rows must still satisfy. */
  readonly residual: BoundPredicate
  readonly plan: DecodePlan
}

/** Row groups that are fetched together. */
export interface FilePiece {
  readonly handle: ParquetHandle
  readonly groups: readonly GroupToRead[]
  readonly byteLength: number
}

/** A piece whose bytes are here. */
export interface FetchedPiece extends FilePiece {
  readonly chunks: FetchedChunks
}

/** Row groups smaller than this are fetched with their neighbours: a request should be worth its round trip. */
const PIECE_BYTES = 8 * 1024 * 1024
/** A file that is wanted whole is read in one request up to this size, instead of footer first. */
const WHOLE_SCAN_BYTES = 8 * 1024 * 1024

/**
 * Opens the file of a task. One or two requests.
 *
 * @throws `corrupt` if the file is missing, damaged, or not what the table's metadata says.
 */
export async function openTask(task: FileScanTask, request: ReadRequest): Promise<readonly FilePiece[]> {
  const { dataFile, residual } = task
  const { files, schema, fields, signal } = request
  const size = Number(dataFile.fileSizeBytes)
  const where = files.shown(dataFile.path)
  const isWhole = residual.op === 'true' && fields === schema.fields
  const wholeFileBytes = isWhole ? WHOLE_SCAN_BYTES : WHOLE_FILE_BYTES
  const handle = await openParquet(
    { size, read: (start, end) => readRange(files, dataFile.path, start, end, size, signal) },
    where,
    { wholeFileBytes },
  )
  const { footer } = handle
  if (BigInt(footer.rowCount) !== dataFile.recordCount) {
    return corrupt(
      `${where} has ${footer.rowCount} rows, the table's metadata says ${dataFile.recordCount}; the file was replaced`,
    )
  }
  const sources = (wanted: readonly Field[]) =>
    sourcesOf(wanted, footer.root, {
      nameMapping: request.nameMapping,
      partitionValues: identityValues(task),
      where,
    })
  const planOf = (wanted: readonly Field[]) => decodePlan(footer, sources(wanted), where, request.dictionaries)
  const bare = planOf(fields)
  const filtered = residual.op === 'true' ? bare : planOf(fieldsToRead(schema, fields, residual))
  const groups = footer.rowGroups.flatMap((group, rowGroup): GroupToRead[] => {
    const { rowCount } = group
    const metrics = { ...rowGroupMetrics(group, filtered.sources), recordCount: BigInt(rowCount) }
    const left = residual.op === 'true' ? residual : reduceByMetrics(residual, metrics)
    if (left.op === 'false' || rowCount === 0) return []
    return [{ rowGroup, rowCount, residual: left, plan: left.op === 'true' ? bare : filtered }]
  })
  return cutIntoPieces(handle, groups)
}

/** Fetches the bytes of a piece. One request per stretch of the file that is wanted. */
export async function fetchPiece(piece: FilePiece): Promise<FetchedPiece> {
  const wanted = piece.groups.map(({ rowGroup, plan }) => ({ rowGroup, leaves: plan.leaves }))
  return { ...piece, chunks: await fetchWanted(piece.handle, wanted) }
}

function cutIntoPieces(handle: ParquetHandle, groups: readonly GroupToRead[]): readonly FilePiece[] {
  const pieces: { handle: ParquetHandle; groups: GroupToRead[]; byteLength: number }[] = []
  for (const group of groups) {
    const { chunks } = handle.footer.rowGroups[group.rowGroup]!
    const bytes = Array.from(group.plan.leaves, (leaf) => chunks[leaf]!.size).reduce((a, b) => a + b, 0)
    const last = pieces.at(-1)
    if (last !== undefined && last.byteLength + bytes <= PIECE_BYTES) {
      last.groups.push(group)
      last.byteLength += bytes
    } else pieces.push({ handle, groups: [group], byteLength: bytes })
  }
  return pieces
}

async function readRange(
  files: TableFiles,
  path: string,
  start: number,
  end: number,
  size: number,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const isWhole = start === 0 && end === size
  const bytes = await files.store.get(files.resolve(path), { signal, ...(!isWhole && { range: { start, end } }) })
  if (bytes !== undefined) return bytes
  throw new DataShardError(
    'corrupt',
    `the data file ${files.shown(path)} is missing, but the table at ${files.location} lists it; if an old snapshot is being read or ` +
      'the table was cleaned up meanwhile, refresh and read again, else restore the file',
    { details: { path, table: files.location } },
  )
}

/** A file that lacks a column by whose identity it is partitioned has that value in all its rows. */
function identityValues({ spec, dataFile }: FileScanTask): ReadonlyMap<number, Value | null> {
  return new Map(
    spec.fields.flatMap((field, i): [number, Value | null][] =>
      field.transform.transform === 'identity' ? [[field.sourceId, dataFile.partition[i] ?? null]] : [],
    ),
  )
}
