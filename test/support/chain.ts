/** A chain of versions made by hand, in memory and on a clock that only tests move, and what one process makes of it. */
import { Committer } from '../../src/commit/commit.ts'
import { encodeTable, encodeTombstone } from '../../src/commit/document.ts'
import type { TableHead } from '../../src/commit/head.ts'
import { readVersion } from '../../src/commit/head.ts'
import type { Ledger, LedgerEntry } from '../../src/commit/ledger.ts'
import { EMPTY_LEDGER, formatLedger, LEDGER_PROPERTY } from '../../src/commit/ledger.ts'
import type { Place } from '../../src/commit/place.ts'
import type { TableMetadata } from '../../src/spec/metadata.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { faultyStore } from './faulty-store.ts'
import { sampleMetadata } from './sample-metadata.ts'
import { virtualRuntime } from './virtual-runtime.ts'

/** More than the first look at a version reads, so that a look is not the whole version. */
export const LONG = { padding: 'x'.repeat(100_000) }

/** The ledger of a table whose versions folded and cancelled these. */
export function ledgerWith(...entries: readonly (Partial<LedgerEntry> & { readonly version: number })[]): Ledger {
  return {
    ...EMPTY_LEDGER,
    entries: entries
      .map((entry) => ({ snapshotId: BigInt(entry.version), folded: [], cancelled: [], ...entry }))
      .toSorted((a, b) => b.version - a.version),
  }
}

interface MadeVersion {
  /** Null: the version carries none, as after another engine unset it. Default: an empty one. */
  readonly ledger?: Ledger | null
  readonly properties?: Readonly<Record<string, string>>
  readonly metadata?: Partial<TableMetadata>
}

/** Metadata of a table that has these snapshots, the last of them current. */
export function withSnapshots(...made: readonly (readonly [snapshotId: bigint, timestampMs: number])[]) {
  const snapshots = made.map(([snapshotId, timestampMs], index) => ({
    snapshotId,
    ...(index > 0 && { parentSnapshotId: made[index - 1]![0] }),
    sequenceNumber: BigInt(index + 1),
    timestampMs,
    manifestList: `memory://test/t/metadata/snap-${snapshotId}.avro`,
  }))
  const [currentSnapshotId] = made.at(-1)!
  return {
    snapshots,
    currentSnapshotId,
    refs: { main: { snapshotId: currentSnapshotId, type: 'branch' } },
    lastSequenceNumber: BigInt(made.length),
  } satisfies Partial<TableMetadata>
}

export type Chain = ReturnType<typeof newChain>

export function newChain() {
  const runtime = virtualRuntime()
  const store = faultyStore(memoryStore({ name: 'test', now: runtime.now }), () => undefined)
  const place: Place = { store, prefix: 't', location: 'memory://test/t', runtime }
  const keyOf = (version: number) => `t/metadata/v${version}.metadata.json`
  const put = async (version: number, { ledger = EMPTY_LEDGER, properties = {}, metadata = {} }: MadeVersion = {}) => {
    const all = { ...properties, ...(ledger && { [LEDGER_PROPERTY]: formatLedger(ledger) }) }
    await store.put(
      keyOf(version),
      encodeTable({ ...sampleMetadata(), properties: all, ...metadata }, `nonce-${version}`),
    )
  }
  return {
    runtime,
    store,
    place,
    keyOf,
    put,
    /** Versions `first` to `last`, all alike. */
    putAll: async (first: number, last: number, made: MadeVersion = {}) => {
      for (let version = first; version <= last; version++) await put(version, made)
    },
    bury: (version: number) =>
      store.put(keyOf(version), encodeTombstone({ tableUuid: 'gone', droppedAtMs: 1 }, `nonce-${version}`)),
    hint: (version: number) => store.put('t/metadata/version-hint.text', new TextEncoder().encode(String(version))),
    /** The chain as a process knows it that has read this version, now. */
    committerAt: async (version: number) =>
      new Committer(place, (await readVersion(place, version, 'plain')) as TableHead),
    /** Requests since the last call, in order: `get v2.metadata.json`. */
    requests: () => store.calls.splice(0).map(({ verb, key }) => `${verb} ${key.replace(/^t\/(?:metadata\/)?/, '')}`),
  }
}

/** A chain of one version, and a process that has read it. */
export async function processAt(version: number, made: MadeVersion = {}) {
  const chain = newChain()
  await chain.put(version, made)
  const committer = await chain.committerAt(version)
  chain.requests()
  return { chain, committer }
}

/** A clock that moves forward in both of its parts. */
export function pass(chain: Chain, ms: number): void {
  chain.runtime.advance({ wallMs: ms, monotonicMs: ms })
}
