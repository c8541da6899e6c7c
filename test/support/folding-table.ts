/**
 * A table in memory as the writers of `commit/` see it, below all that encodes rows: its clock moves only when somebody sleeps, data files
 * are names and sizes, and whoever dies after publishing leaves an intent as here.
 */
import { encodeFileDescriptor, encodeManifestDescriptor } from '../../src/codec/descriptor.ts'
import { decodeManifestList } from '../../src/codec/manifest-list.ts'
import { Committer } from '../../src/commit/commit.ts'
import { sighting } from '../../src/commit/custody.ts'
import { createFirstVersion } from '../../src/commit/first-version.ts'
import type { FoldContext, FoldRequest, OwnAppend } from '../../src/commit/fold.ts'
import type { TableHead } from '../../src/commit/head.ts'
import { findHead } from '../../src/commit/head.ts'
import { newIntentId } from '../../src/commit/intent-id.ts'
import { intentName, uuid8 } from '../../src/commit/intent.ts'
import type { LedgerEntry } from '../../src/commit/ledger.ts'
import { appendManifests } from '../../src/commit/manifests.ts'
import { ledgerBy } from '../../src/commit/peek.ts'
import { newStats } from '../../src/commit/stats.ts'
import type { IntentName } from '../../src/commit/window.ts'
import { Watch } from '../../src/commit/watch.ts'
import type { DataFile } from '../../src/spec/data-file.ts'
import { currentSchema, currentSnapshot, defaultSpec } from '../../src/spec/metadata.ts'
import type { TableUpdate } from '../../src/spec/updates.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { tableFiles } from '../../src/store/table-files.ts'
import { dataFileOf } from './data-files.ts'
import type { FaultyCall } from './faulty-store.ts'
import { faultyStore } from './faulty-store.ts'
import { sampleMetadata } from './sample-metadata.ts'
import { virtualRuntime } from './virtual-runtime.ts'
import { writerOn } from './writer.ts'

/** Of each file that {@link FoldingTable.publish} writes. */
export const FILE_BYTES = 100

export type FoldingTable = Awaited<ReturnType<typeof foldingTable>>

export interface Published extends IntentName {
  readonly key: string
  /** Of its data files, as metadata names them. */
  readonly paths: readonly string[]
}

interface PublishOptions {
  /** Default: the newest version. */
  readonly base?: number
  /** So many data files, uploaded before, and published by a manifest of them; default is one that is published itself. */
  readonly manifestOf?: number
  /** Of each file. */
  readonly rows?: bigint
}

/** Version 1 of an empty table, and what tests do to it and see of it. */
export async function foldingTable(properties: Readonly<Record<string, string>> = {}) {
  const clock = virtualRuntime(7)
  clock.advance({ monotonicMs: 7_000 })
  /** `random`: what chance decides. `onSleep`: what others do while somebody waits. `slept`: how long, each time. */
  const chance = { random: clock.random, onSleep: async (): Promise<void> => undefined, slept: [] as number[] }
  const runtime = {
    ...clock,
    random: () => chance.random(),
    sleep: async (ms: number) => {
      chance.slept.push(ms)
      await clock.sleep(ms)
      await chance.onSleep()
    },
  }
  const store = faultyStore(memoryStore({ name: 'test', runtime }), () => undefined)
  const place = { store, prefix: 't', location: 'memory://test/t', runtime }
  const metadata = sampleMetadata(properties)
  await createFirstVersion(place, undefined, sighting(runtime), metadata, undefined)
  const files = tableFiles(store, 't', metadata.location)

  const head = async () => (await findHead(place)) as TableHead
  const writer = async (summary: FoldContext['summary'] = {}): Promise<FoldContext> => {
    return { ...writerOn({ place }, new Committer(place, await head())), summary }
  }
  const file = (name: string, rows = 1n): DataFile =>
    dataFileOf({ path: files.pathOf(`t/data/${name}.parquet`), recordCount: rows, fileSizeBytes: BigInt(FILE_BYTES) })

  const publish = async ({ base, manifestOf, rows = 1n }: PublishOptions = {}): Promise<Published> => {
    const { metadata: now, version } = await head()
    const name = { base: base ?? version, id: newIntentId(runtime), uuid8: uuid8(now.tableUuid) }
    if (manifestOf === undefined) {
      const descriptor = encodeFileDescriptor(file('-', rows), currentSchema(now), defaultSpec(now), false)!
      const key = files.key(intentName({ ...name, kind: 'file', descriptor })!)
      await store.put(key, new Uint8Array(FILE_BYTES))
      return { ...name, key, paths: [files.pathOf(key)] }
    }
    const dataFiles = Array.from({ length: manifestOf }, (_, i) => file(`${name.id}-${i}`, rows))
    const [made] = appendManifests(now, dataFiles, files, () => 'metadata/-')
    const lengthBytes = made!.bytes.length
    const counts = { schemaId: 0, specId: 0, files: manifestOf, rows: rows * BigInt(manifestOf), lengthBytes }
    const key = files.key(intentName({ ...name, kind: 'manifest', descriptor: encodeManifestDescriptor(counts) })!)
    await store.put(key, made!.bytes)
    return { ...name, key, paths: dataFiles.map(({ path }) => path) }
  }

  /** Another writer commits a version with these updates, or with this in its ledger. */
  const commit = async (
    updates: readonly TableUpdate[] = [],
    ledger?: Omit<LedgerEntry, 'version'>,
  ): Promise<number> => {
    const { committer } = await writer()
    const next = { base: committer.head, updates, ...(ledger && { ledger }), deadlineMs: Infinity, signal: undefined }
    const created = await committer.createNext(next)
    if (created.outcome !== 'won') throw new Error(`the version was ${created.outcome}`)
    await committer.flush()
    return created.head.version
  }

  /** The manifests of the newest snapshot. */
  const manifests = async () => {
    const path = currentSnapshot((await head()).metadata)?.manifestList
    return path === undefined ? [] : decodeManifestList((await store.get(files.resolve(path)))!, path)
  }

  return {
    store,
    runtime,
    chance,
    place,
    files,
    head,
    writer,
    file,
    publish,
    commit,
    manifests,
    /** What the newest version says that it folded and cancelled. */
    ledger: async () => {
      const now = await head()
      const entry = ledgerBy(now).entries.find(({ version }) => version === now.version)
      return { folded: entry?.folded ?? [], cancelled: entry?.cancelled ?? [] }
    },
    /** Keys of requests of one kind from now on. */
    calls: (verb: FaultyCall['verb']) => store.calls.filter((call) => call.verb === verb).map(({ key }) => key),
    cancels: (...ids: readonly string[]) => commit([], { snapshotId: 0n, folded: [], cancelled: ids }),
    folds: (...ids: readonly string[]) => commit([], { snapshotId: 9n, folded: ids, cancelled: [] }),
  }
}

/** An append of one file that is in the table's data already, under a name with the newest base. */
export async function ownOf(table: FoldingTable, change: Partial<OwnAppend> = {}): Promise<OwnAppend> {
  const { version } = await table.head()
  return {
    intent: { id: newIntentId(table.runtime), base: version },
    schemaId: 0,
    specId: 0,
    dataFiles: [table.file('own')],
    begun: sighting(table.runtime),
    manifests: undefined,
    ...change,
  }
}

/** What {@link fold} is asked for, with time enough; watches the fate of the own append. */
export function foldRequest(own: OwnAppend | undefined, change: Partial<FoldRequest> = {}): FoldRequest {
  return {
    own,
    watch: own && new Watch(own.intent),
    fromBase: 0,
    deadlineMs: Infinity,
    signal: undefined,
    stats: newStats(),
    ...change,
  }
}
