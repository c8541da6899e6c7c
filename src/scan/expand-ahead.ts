/** From fetched pieces to row groups that the decoder can take: the next one is decompressed while one is decoded. */
import type { ExcerptOf } from '../codec/parquet-reader-expand.ts'
import { expandBeside, expandedBytes, expandHere } from '../codec/parquet-reader-expand.ts'
import { hasZstdThread } from '../codec/zstd-thread.ts'
import { mapInOrder } from './in-order.ts'
import type { FetchedPiece, GroupToRead } from './read-file.ts'

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
/** What a scan decompresses before it is worth its while to start a thread. */
const START_BYTES = 4 * 1024 * 1024

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
  /** Decompressed, as are those of the groups before it. */
  readonly byteLength: number
  readonly bytesBefore: number
}

async function* groupsOf(pieces: AsyncIterable<FetchedPiece>): AsyncGenerator<WaitingGroup> {
  let bytesBefore = 0
  for await (const { groups, chunks } of pieces) {
    for (const group of groups) {
      const { plan, rowGroup } = group
      const bytesOf = (leaf: number) => chunks.bytesOf(rowGroup, leaf)
      const byteLength = expandedBytes(plan, rowGroup)
      yield { group, bytesOf, byteLength, bytesBefore }
      bytesBefore += byteLength
    }
  }
}

async function startExpanding({ group, bytesOf, byteLength, bytesBefore }: WaitingGroup): Promise<FetchedGroup> {
  const { plan, rowGroup } = group
  const isAhead = bytesBefore >= START_BYTES && byteLength >= WORTH_BYTES
  const beside = isAhead && (await hasZstdThread()) ? await expandBeside(plan, rowGroup, bytesOf) : undefined
  return {
    ...group,
    expand: async () => beside?.excerptOf ?? expandHere(plan, rowGroup, bytesOf),
    release: () => beside?.release(),
  }
}
