/** A row group as the decoder gets it: its columns checked, without ZSTD, laid out as an excerpt. */
import { findChunkDamage } from './parquet-checksum.ts'
import type { ExcerptLayout } from './parquet-reader-excerpt.ts'
import { layOutExcerpt } from './parquet-reader-excerpt.ts'
import type { ChunkPages } from './parquet-reader-pages.ts'
import { findPages } from './parquet-reader-pages.ts'
import type { DecodePlan } from './parquet-reader-plan.ts'
import { damaged, dictionariesOf } from './parquet-reader-plan.ts'
import { ScratchMemory } from './scratch-memory.ts'
import { SharedSlots } from './shared-slots.ts'
import { fillBeside } from './zstd-thread.ts'
import type { Decompress } from './zstd.ts'
import { loadZstd } from './zstd.ts'

/** The bytes of a column of the row group as they are in the file. */
type BytesOf = (leaf: number) => Uint8Array

/** Gives the excerpt, which is to be decoded at once: its memory may be used again for anybody's next row group. */
export type ExcerptOf = () => Uint8Array

/** Of parquet.thrift. */
const CODEC_ZSTD = 6

/**
 * Decompresses the wanted columns of a row group, when the excerpt is asked for.
 *
 * @throws `corrupt`, then, if their checksums do not match, or they are no ZSTD although the footer says so.
 */
export async function expandHere(plan: DecodePlan, rowGroup: number, bytesOf: BytesOf): Promise<ExcerptOf> {
  const decompress = expandedBytes(plan, rowGroup) > 0 ? await loadZstd() : undefined
  return () => {
    const allocate = (size: number) => takeScratch(plan, size)
    const { bytes, holes } = layOut(plan, rowGroup, bytesOf, decompress !== undefined, allocate)!
    if (decompress !== undefined) inFile(plan, () => fill(bytes, holes, decompress))
    return bytes
  }
}

/** Where row groups of all scans are decompressed ahead: larger ones, and more of them, wait until their turn comes. */
const slots = new SharedSlots(3, 32 * 1024 * 1024)

/** A row group that was decompressed beside this thread. */
export interface ExpandedBeside {
  readonly excerptOf: ExcerptOf
  /** Says that the excerpt is no longer needed. */
  release(): void
}

/**
 * Decompresses the wanted columns of a row group beside this thread.
 *
 * @returns undefined if this has to be done here: there is no room for it, or {@link fillBeside} could not do it.
 * @throws `corrupt` if checksums do not match.
 */
export async function expandBeside(
  plan: DecodePlan,
  rowGroup: number,
  bytesOf: BytesOf,
): Promise<ExpandedBeside | undefined> {
  if (!slots.hasRoom(expandedBytes(plan, rowGroup))) return undefined
  let memory: Uint8Array<SharedArrayBuffer> | undefined
  const layout = layOut(plan, rowGroup, bytesOf, true, (size) => (memory = slots.take(size)))
  if (layout === undefined) return undefined
  const release = () => slots.giveBack(memory!)
  let isFilled = false
  try {
    isFilled = await fillBeside(memory!, layout.holes)
  } finally {
    if (!isFilled) release()
  }
  return isFilled ? { excerptOf: () => layout.bytes, release } : undefined
}

/** Bytes that the ZSTD columns of a row group that are wanted will have, as far as the footer is to be believed. */
export function expandedBytes({ footer, leaves }: DecodePlan, rowGroup: number): number {
  const { chunks } = footer.rowGroups[rowGroup]!
  return Array.from(leaves, (leaf) => chunks[leaf]!)
    .filter(({ codec }) => codec === CODEC_ZSTD)
    .reduce((sum, { uncompressedSize }) => sum + Math.max(0, uncompressedSize), 0)
}

/** What has a checksum is what it was when it was written, or nothing is read of its column. */
function layOut(
  plan: DecodePlan,
  rowGroup: number,
  bytesOf: BytesOf,
  withoutZstd: boolean,
  allocate: (size: number) => Uint8Array | undefined,
): ExcerptLayout | undefined {
  const { chunks } = plan.footer.rowGroups[rowGroup]!
  const chunkOf = (leaf: number): Uint8Array | ChunkPages => {
    const bytes = bytesOf(leaf)
    const { crc, codec, uncompressedSize } = chunks[leaf]!
    const damage = findChunkDamage(bytes, crc)
    if (damage !== undefined) damaged(plan, `${damage} in column '${plan.footer.leaves[leaf]!.name}'`)
    const isExpanded = withoutZstd && codec === CODEC_ZSTD
    return isExpanded ? (inFile(plan, () => findPages(bytes, uncompressedSize)) ?? bytes) : bytes
  }
  const wanted = { ...plan, rowGroup, dictionaries: dictionariesOf(plan, rowGroup) }
  return layOutExcerpt(wanted, chunkOf, allocate)
}

function fill(bytes: Uint8Array, holes: ExcerptLayout['holes'], decompress: Decompress): void {
  for (const hole of holes) bytes.set(decompress(hole.bytes, hole.size), hole.at)
}

/** A larger excerpt is not worth keeping memory for. */
const scratch = new ScratchMemory(64 * 1024 * 1024)

function takeScratch(plan: DecodePlan, size: number): Uint8Array {
  try {
    return scratch.take(size)
  } catch (error) {
    return damaged(plan, `the columns of a row group claim to be ${size} bytes, for which there is no memory`, error)
  }
}

function inFile<T>(plan: DecodePlan, work: () => T): T {
  try {
    return work()
  } catch (error) {
    return damaged(plan, error instanceof Error ? error.message : String(error), error)
  }
}
