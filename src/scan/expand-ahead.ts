/** From fetched pieces to row groups that the decoder can take: the next one is decompressed while one is decoded. */
import type { ExcerptOf } from '../codec/parquet-reader-expand.ts'
import { expandBeside, expandedBytes, expandHere } from '../codec/parquet-reader-expand.ts'
import { hasZstdThread, startZstdThread } from '../codec/zstd-thread.ts'
import { mapInOrder } from './in-order.ts'
import type { FetchedPiece, FilePiece, GroupToRead } from './read-file.ts'

/** A row group whose bytes are here. */
export interface FetchedGroup extends GroupToRead {
  /** Its columns without ZSTD. Called once, when it is to be decoded. */
  expand(): Promise<ExcerptOf>
  /** Says that it is decoded, or will not be. */
  release(): void
}

/** Row groups that wait decompressed, or are about to be, at most. */
const GROUPS_AHEAD = 2
/** A row group that is smaller is decompressed here in the time that it takes to hand it over. */
const WORTH_BYTES = 256 * 1024
/** A scan that has less than this to decompress in such row groups is through before a thread has started. */
const START_BYTES = 4 * 1024 * 1024

/** The pieces as they are. Before their bytes are fetched, a thread begins to start if there is enough to do for one. */
export async function* startThreadFor(pieces: AsyncIterable<FilePiece>): AsyncGenerator<FilePiece> {
  let bytes = 0
  for await (const piece of pieces) {
    const sizes = piece.groups.map(({ plan, rowGroup }) => expandedBytes(plan, rowGroup))
    bytes += sizes.filter((size) => size >= WORTH_BYTES).reduce((a, b) => a + b, 0)
    if (bytes >= START_BYTES) startZstdThread()
    yield piece
  }
}

/** The row groups of the pieces, in order. */
export function expandAhead(pieces: AsyncIterable<FetchedPiece>): AsyncGenerator<FetchedGroup> {
  return mapInOrder(groupsOf(pieces), startExpanding, {
    count: GROUPS_AHEAD,
    // Their memory counts as taken until it is given back: the next scan would find none.
    abandon: (group) => group.release(),
  })
}

interface WaitingGroup {
  readonly group: GroupToRead
  readonly bytesOf: (leaf: number) => Uint8Array
  /** The first is decoded while nothing is decompressed ahead: whoever would wait for it does it. */
  readonly isFirst: boolean
}

async function* groupsOf(pieces: AsyncIterable<FetchedPiece>): AsyncGenerator<WaitingGroup> {
  let isFirst = true
  for await (const { groups, chunks } of pieces) {
    for (const group of groups) {
      yield { group, bytesOf: (leaf) => chunks.bytesOf(group.rowGroup, leaf), isFirst }
      isFirst = false
    }
  }
}

async function startExpanding({ group, bytesOf, isFirst }: WaitingGroup): Promise<FetchedGroup> {
  const { plan, rowGroup } = group
  const isWorth = !isFirst && expandedBytes(plan, rowGroup) >= WORTH_BYTES
  const beside = isWorth && hasZstdThread() ? await expandBeside(plan, rowGroup, bytesOf) : undefined
  return {
    ...group,
    expand: async () => beside?.excerptOf ?? expandHere(plan, rowGroup, bytesOf),
    release: () => beside?.release(),
  }
}
