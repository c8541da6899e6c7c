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
}

/** Row groups that are decompressed, or about to be, at most. */
const GROUPS_AHEAD = 2
/** Decompressed bytes that wait for the decoder, at most (a single row group may be larger). */
const AHEAD_BYTES = 64 * 1024 * 1024
/** What is smaller is decompressed here in the time that it takes to hand it over. */
const WORTH_BYTES = 256 * 1024

/** The row groups of the pieces, in order. The first one is not waited for elsewhere: there is nothing else to do. */
export function expandAhead(pieces: AsyncIterable<FetchedPiece>): AsyncGenerator<FetchedGroup> {
  return mapInOrder(groupsOf(pieces), startExpanding, {
    count: GROUPS_AHEAD,
    weight: AHEAD_BYTES,
    weigh: ({ byteLength }) => byteLength,
  })
}

interface WaitingGroup {
  readonly group: GroupToRead
  readonly bytesOf: (leaf: number) => Uint8Array
  readonly isFirst: boolean
  /** Decompressed. */
  readonly byteLength: number
}

async function* groupsOf(pieces: AsyncIterable<FetchedPiece>): AsyncGenerator<WaitingGroup> {
  let isFirst = true
  for await (const { groups, chunks } of pieces) {
    for (const group of groups) {
      const { plan, rowGroup } = group
      const bytesOf = (leaf: number) => chunks.bytesOf(rowGroup, leaf)
      yield { group, bytesOf, isFirst, byteLength: expandedBytes(plan, rowGroup) }
      isFirst = false
    }
  }
}

async function startExpanding({ group, bytesOf, isFirst, byteLength }: WaitingGroup): Promise<FetchedGroup> {
  const { plan, rowGroup } = group
  const isAhead = !isFirst && byteLength >= WORTH_BYTES && (await hasZstdThread())
  const beside = isAhead ? await expandBeside(plan, rowGroup, bytesOf) : undefined
  return { ...group, expand: async () => beside ?? expandHere(plan, rowGroup, bytesOf) }
}
