/**
 * Parquet files read by ranges: the footer first, then the bytes of the columns that are wanted in as few requests as
 * make sense, then one row group after the other through parquet-wasm.
 */
import { corrupt } from '../errors.ts'
import { joinBytes } from './join-bytes.ts'
import type { ParquetFooter } from './parquet-footer.ts'
import { footerLength, parseFooter, RESTORE, TAIL_BYTES } from './parquet-footer.ts'
import type { ByteSpan } from './parquet-reader-ranges.ts'
import { coalesce } from './parquet-reader-ranges.ts'

/** Where a file's bytes come from. */
export interface ParquetSource {
  /** Bytes; must be known, because a Parquet file is read from its end. */
  readonly size: number
  /** Bytes `[start, end)`; fewer if the file is shorter than `size` says. One request. */
  read(start: number, end: number): Promise<Uint8Array>
}

export interface OpenParquetOptions {
  /** A file of at most so many bytes is read whole, in one request. Default {@link WHOLE_FILE_BYTES}. */
  readonly wholeFileBytes?: number
}

/** An open file: its footer, and whatever was read along with it. */
export interface ParquetHandle {
  readonly footer: ParquetFooter
  readonly size: number
  /** Names the file in errors. */
  readonly where: string
  /** The bytes from `cachedFrom` to the end are here already. */
  readonly cachedFrom: number
  readonly cached: Uint8Array
  readonly source: ParquetSource
}

/** Below this the second request would cost more than the bytes that it saves. */
export const WHOLE_FILE_BYTES = 1024 * 1024
/** Read from the end of a larger file at once: nearly every footer is smaller. */
const SPECULATIVE_TAIL_BYTES = 64 * 1024

/**
 * Opens a file. One request if it is small or its footer is, else two.
 *
 * @param where Names the file in errors.
 * @throws `corrupt` if it is no Parquet file, is damaged, or has another size than `source.size`; `unsupported` if it is
 *   encrypted.
 */
export async function openParquet(
  source: ParquetSource,
  where: string,
  options: OpenParquetOptions = {},
): Promise<ParquetHandle> {
  const { size } = source
  const whole = size <= (options.wholeFileBytes ?? WHOLE_FILE_BYTES)
  let from = whole ? 0 : Math.max(0, size - SPECULATIVE_TAIL_BYTES)
  let cached = await readExactly(source, from, size, where)
  const length = footerLength(cached.subarray(-TAIL_BYTES), size, where)
  const start = size - TAIL_BYTES - length
  if (start < from) {
    const before = await readExactly(source, start, from, where)
    cached = joinBytes([before, cached])
    from = start
  }
  const footer = parseFooter(cached.subarray(start - from, start - from + length), size, where)
  return { footer, size, where, cachedFrom: from, cached, source }
}

/** The bytes of columns of row groups. Their spans were read in one go where they lie close together. */
export interface FetchedChunks {
  readonly byteLength: number
  bytesOf(rowGroup: number, leaf: number): Uint8Array
}

/** Columns of one row group. */
export interface WantedChunks {
  readonly rowGroup: number
  readonly leaves: ReadonlySet<number>
}

/** Where columns of row groups are in the file, put together to the requests that will be made. */
export function spansOf(handle: ParquetHandle, wanted: readonly WantedChunks[]): readonly ByteSpan[] {
  const spans = wanted.flatMap(({ rowGroup, leaves }) =>
    Array.from(leaves, (leaf) => {
      const { start, size } = handle.footer.rowGroups[rowGroup]!.chunks[leaf]!
      return { start, end: start + size }
    }),
  )
  return coalesce(spans)
}

/** Reads the same columns of some row groups; see {@link fetchWanted}. */
export function fetchChunks(
  handle: ParquetHandle,
  rowGroups: readonly number[],
  leaves: ReadonlySet<number>,
): Promise<FetchedChunks> {
  return fetchWanted(
    handle,
    rowGroups.map((rowGroup) => ({ rowGroup, leaves })),
  )
}

/** Reads columns of row groups. One request per span, all at once. */
export async function fetchWanted(handle: ParquetHandle, wanted: readonly WantedChunks[]): Promise<FetchedChunks> {
  const { cachedFrom, cached, source, where } = handle
  const parts = await Promise.all(
    spansOf(handle, wanted).map(async ({ start, end }) => ({
      start,
      end,
      bytes:
        start >= cachedFrom
          ? cached.subarray(start - cachedFrom, end - cachedFrom)
          : await readExactly(source, start, end, where),
    })),
  )
  return {
    byteLength: parts.reduce((sum, part) => sum + part.bytes.length, 0),
    bytesOf: (group, leaf) => {
      const { start, size } = handle.footer.rowGroups[group]!.chunks[leaf]!
      const part = parts.find((one) => one.start <= start && start + size <= one.end)!
      return part.bytes.subarray(start - part.start, start - part.start + size)
    },
  }
}

async function readExactly(source: ParquetSource, start: number, end: number, where: string): Promise<Uint8Array> {
  const bytes = start === end ? new Uint8Array() : await source.read(start, end)
  if (bytes.length === end - start) return bytes
  const found = start === 0 ? `${bytes.length}` : `${start + bytes.length} at most`
  return corrupt(
    `${where} has not the size that it should have: ${source.size} bytes expected, found ${found}; ` +
      `it was cut off or replaced; ${RESTORE}`,
  )
}
