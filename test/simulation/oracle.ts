/** Judges a world when it has come to rest: the versions, the files, the rows, and every answer that was given. */
import { decodeManifest } from '../../src/codec/manifest.ts'
import { decodeManifestList } from '../../src/codec/manifest-list.ts'
import type { TableMetadata } from '../../src/spec/metadata.ts'
import { currentSchema, specById } from '../../src/spec/metadata.ts'
import type { Snapshot } from '../../src/spec/snapshot.ts'
import { loadTable } from '../../src/table/load.ts'
import type { Table } from '../../src/table/table.ts'
import type { Chain } from './oracle-chain.ts'
import { judgeChain } from './oracle-chain.ts'
import { sweepAll } from './oracle-sweeps.ts'
import type { Batch, Try } from './history.ts'
import { wasAcknowledged, wasRefused } from './history.ts'
import type { World } from './world.ts'
import { LOCATION } from './world.ts'

/** Everything that is wrong; nothing in a sound world. */
export async function judge(world: World): Promise<string[]> {
  const { ground, history } = world
  const chain = judgeChain(ground.created)
  world.history.count('islands', chain.islands)
  const found = [...history.violations, ...ground.offences, ...chain.violations]
  for (const batch of history.batches) {
    for (const one of batch.tries) found.push(...judgeAnswer(chain, batch, one))
    found.push(...judgeReplays(batch))
  }
  const newest = chain.versions.get(chain.newest)
  if (newest?.kind !== 'table') return [...found, 'the newest version is no table']
  found.push(...(await judgeFiles(world, newest.metadata)))
  try {
    const table = await loadTable(LOCATION, { store: ground.store })
    if (table.version !== chain.newest) {
      return [...found, `a new reader finds version ${table.version}, the newest is ${chain.newest}`]
    }
    found.push(...(await judgeRows(world, table)))
    if (world.scenario.maintenance) found.push(...(await judgeSwept(world)))
  } catch (error) {
    found.push(`a new reader fails: ${String(error)}`)
  }
  return found
}

/** When all is swept that can be, everything is there as before. */
async function judgeSwept(world: World): Promise<string[]> {
  const wrong = await sweepAll(world)
  const table = await loadTable(LOCATION, { store: world.ground.store })
  const found = [...(await judgeFiles(world, table.metadata)), ...(await judgeRows(world, table))]
  return [...wrong, ...found].map((text) => `after the last sweeps: ${text}`)
}

/** What was acknowledged is in the version that the answer names. */
function judgeAnswer(chain: Chain, batch: Batch, one: Try): string[] {
  if (!one.result) return []
  const { version, snapshotId, rows } = one.result
  const wrong = (what: string) => [`batch ${batch.number} was acknowledged to ${one.by}, but ${what}`]
  if (rows !== batch.rowIds.length && !one.result.replayed) return wrong(`with ${rows} rows`)
  const document = chain.versions.get(version)
  if (document?.kind !== 'table') return wrong(`version ${version} was never created`)
  if (document.metadata.tableUuid !== batch.tableUuid) return wrong(`version ${version} is of another table`)
  if (document.metadata.currentSnapshotId !== snapshotId) return wrong(`version ${version} has not its snapshot`)
  return []
}

/** Who repeats a key gets the first answer. */
function judgeReplays(batch: Batch): string[] {
  const answers = batch.tries.flatMap((one) => (one.result ? [one.result] : []))
  const different = answers.filter((one) => one.snapshotId !== answers[0]!.snapshotId)
  return different.length === 0 ? [] : [`batch ${batch.number} was acknowledged with different snapshots`]
}

/** Every object that a snapshot of the newest version names is there, and no file is listed twice. */
async function judgeFiles(world: World, metadata: TableMetadata): Promise<string[]> {
  const found: string[] = []
  const seen = new Set<string>()
  let files = new Set<string>()
  for (const snapshot of metadata.snapshots) {
    const now = await filesOf(world, metadata, snapshot, seen, found)
    const gone = [...files].filter((path) => !now.has(path))
    if (gone.length > 0) found.push(`snapshot ${snapshot.snapshotId} has lost ${gone.join(', ')}`)
    files = now
  }
  return found
}

async function filesOf(
  world: World,
  metadata: TableMetadata,
  snapshot: Snapshot,
  seen: Set<string>,
  found: string[],
): Promise<Set<string>> {
  const { store } = world.ground
  const read = async (path: string) => {
    const bytes = await store.get(store.keyOf(path)!)
    if (!bytes) found.push(`snapshot ${snapshot.snapshotId} names ${path}, which is missing`)
    return bytes
  }
  const files = new Set<string>()
  const list = await read(snapshot.manifestList!)
  if (!list) return files
  for (const manifest of decodeManifestList(list, snapshot.manifestList!)) {
    const paths = await pathsOf(world, metadata, manifest, read)
    for (const path of paths) {
      if (files.has(path)) found.push(`snapshot ${snapshot.snapshotId} lists ${path} twice`)
      files.add(path)
      if (!seen.has(path) && !(await store.head(store.keyOf(path)!))) found.push(`the data file ${path} is missing`)
      seen.add(path)
    }
  }
  return files
}

const decoded = new WeakMap<World, Map<string, readonly string[]>>()

/** Live files of a manifest; each manifest is decoded once in a world. */
async function pathsOf(
  world: World,
  metadata: TableMetadata,
  manifest: ReturnType<typeof decodeManifestList>[number],
  read: (path: string) => Promise<Uint8Array | undefined>,
): Promise<readonly string[]> {
  const cache = decoded.get(world) ?? new Map<string, readonly string[]>()
  decoded.set(world, cache)
  const known = cache.get(manifest.path)
  if (known) return known
  const bytes = await read(manifest.path)
  if (!bytes) return []
  const spec = specById(metadata, manifest.partitionSpecId)!
  const entries = decodeManifest(bytes, { manifest, spec, schema: currentSchema(metadata), where: manifest.path })
  const paths = entries.filter((entry) => entry.status !== 'deleted').map((entry) => entry.dataFile.path)
  cache.set(manifest.path, paths)
  return paths
}

/** The table as a new reader finds it, against everything that was answered. */
async function judgeRows({ history }: World, table: Table): Promise<string[]> {
  const times = new Map<number, number>()
  for (const row of await table.scan().toArray()) {
    const id = row['id'] as number
    times.set(id, (times.get(id) ?? 0) + 1)
  }
  const found: string[] = []
  for (const batch of history.batches) found.push(...judgeBatch(batch, times, table.metadata))
  for (const id of times.keys()) if (!history.batchOf(id)) found.push(`row ${id} is of nobody`)
  return found
}

function judgeBatch(batch: Batch, times: ReadonlyMap<number, number>, metadata: TableMetadata): string[] {
  const counts = batch.rowIds.map((id) => times.get(id) ?? 0)
  const there = counts.filter((count) => count > 0).length
  const told = `batch ${batch.number} (${batch.tries.map((one) => `${one.by}: ${one.code ?? one.outcome}`).join('; ')})`
  if (batch.tableUuid !== metadata.tableUuid) return there > 0 ? [`${told} is of a table that was dropped`] : []
  if (counts.some((count) => count > 1)) return [`${told} is in the table ${Math.max(...counts)} times`]
  if (there > 0 && there < counts.length) return [`${told} is there in part`]
  if (wasAcknowledged(batch) && there === 0) return [`${told} was acknowledged and is lost`]
  if (wasRefused(batch) && there > 0) return [`${told} was refused with certainty and is there`]
  return judgeMarks(batch, there > 0, metadata).map((wrong) => `${told} ${wrong}`)
}

/** What a transaction leaves in the metadata is there exactly if its rows are. */
function judgeMarks({ marks, number }: Batch, isThere: boolean, metadata: TableMetadata): string[] {
  const { property, tag } = marks
  const found: string[] = []
  if (property !== undefined && (metadata.properties[property] === String(number)) !== isThere) {
    found.push(`and its property ${property} disagree`)
  }
  if (tag !== undefined && (metadata.refs[tag] !== undefined) !== isThere) found.push(`and its tag ${tag} disagree`)
  return found
}
