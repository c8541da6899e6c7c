/** What `doctor` looks at in a table: the hint, the versions, who writes them, and whether the newest can be read. */
import { ManifestListCache } from '../commit/list-cache.ts'
import type { Head, TableHead } from '../commit/head.ts'
import { findHead } from '../commit/head.ts'
import type { Place } from '../commit/place.ts'
import { keyIn } from '../commit/place.ts'
import { HINT_NAME, parseHint, versionName } from '../commit/version.ts'
import { currentSnapshot } from '../spec/metadata.ts'
import { checkWritable } from '../spec/properties.ts'
import { tableFiles, trimSlash } from '../store/table-files.ts'
import type { Finding } from './doctor.ts'
import { attempt, problemOf } from './doctor.ts'
import { inboxFindings } from './doctor-inbox.ts'
import { listVersions, versionFaults } from './version-list.ts'
import type { VersionList } from './version-list.ts'

/** So many of the newest versions are asked who wrote them. */
const FOREIGN_SAMPLE = 50

/** The commit field comes first in the JSON, so this much of a version tells whether it is ours. */
const NONCE_BYTES = 512

/** Each commit writes the metadata again: beyond this it costs more than a small append. */
const LARGE_METADATA_BYTES = 8 * 1024 * 1024

export async function* tableFindings(place: Place, signal: AbortSignal | undefined): AsyncGenerator<Finding> {
  const damaged = 'restore that object from a copy, or `datashard verify` for everything that is damaged'
  const result = yield* attempt('table', damaged, async () => ({ head: await findHead(place, undefined, signal) }))
  if (result === undefined) return
  const { head } = result
  if (head === undefined) {
    yield* noTable(place, signal)
    return
  }
  if (head.kind === 'tombstone') {
    const at = new Date(head.tombstone.droppedAtMs).toISOString()
    yield { check: 'table', status: 'ok', found: `none: it was dropped at ${at}; a new one can be created here` }
    return
  }
  yield describeTable(head)
  const versions = yield* attempt('versions', 'check the right to list', () => listVersions(place, signal))
  yield await checkHint(place, head, signal)
  if (versions !== undefined) {
    yield* checkVersions(versions, head)
    yield* checkWriters(place, versions, head, signal)
  }
  yield* inboxFindings(place, head, signal)
  yield* checkSettings(place, head)
  yield* checkReadable(place, head, signal)
}

async function* noTable(place: Place, signal: AbortSignal | undefined): AsyncGenerator<Finding> {
  const versions = yield* attempt('table', 'check the right to list', () => listVersions(place, signal))
  if (versions === undefined) return
  if (versions.others.length === 0) {
    yield { check: 'table', status: 'ok', found: 'none yet: only the store was checked' }
    return
  }
  yield {
    check: 'table',
    status: 'warning',
    found: `an Iceberg table whose versions are named by a catalog (${versions.others.at(-1)})`,
    next: 'read it by the name of a metadata file; write to it through its catalog',
  }
}

function describeTable({ version, metadata }: TableHead): Finding {
  const rows = currentSnapshot(metadata)?.summary?.['total-records'] ?? '0'
  const found = `version ${version}, format v${metadata.formatVersion}, ${metadata.snapshots.length} snapshots, ${rows} rows`
  return { check: 'table', status: 'ok', found }
}

async function checkHint(place: Place, head: Head, signal: AbortSignal | undefined): Promise<Finding> {
  const check = 'version hint'
  const bytes = await place.store.get(keyIn(place, HINT_NAME), { signal })
  const hint = bytes && parseHint(bytes)
  const next = 'the next append by DataShard writes it'
  if (bytes === undefined) {
    return {
      check,
      status: 'warning',
      found: 'there is none: DuckDB refuses the table, others list its versions',
      next,
    }
  }
  if (hint === undefined) return { check, status: 'warning', found: 'it is no number; readers list the versions', next }
  if (hint === head.version) return { check, status: 'ok', found: `names version ${hint}, the newest` }
  if (hint < head.version) {
    const found = `it names version ${hint}, ${head.version - hint} behind: DuckDB shows old rows`
    return { check, status: 'warning', found, next }
  }
  return {
    check,
    status: 'problem',
    found: `it names version ${hint}, but the newest is ${head.version}: DuckDB cannot open the table`,
    next: 'find out who deleted versions or wrote the hint; the next append by DataShard corrects it',
  }
}

async function* checkVersions(versions: VersionList, head: Head): AsyncGenerator<Finding> {
  const faults = versionFaults(versions, head.version)
  for (const fault of faults) yield { check: 'versions', status: 'problem', ...fault }
  if (faults.length > 0) return
  const first = versions.versions[0]?.version
  yield { check: 'versions', status: 'ok', found: `${first} to ${head.version}, without gaps` }
}

/** Versions without a commit nonce were written by other software: fine if it creates them conditionally. */
async function* checkWriters(
  place: Place,
  { versions, others }: VersionList,
  head: TableHead,
  signal: AbortSignal | undefined,
): AsyncGenerator<Finding> {
  const check = 'writers'
  const newest = versions.filter(({ version }) => version <= head.version).slice(-FOREIGN_SAMPLE)
  const foreign: number[] = []
  const range = { start: 0, end: NONCE_BYTES }
  const done = yield* attempt(check, 'check the right to read', async () => {
    await Promise.all(
      newest.map(async ({ version, form }) => {
        const bytes = await place.store.get(keyIn(place, versionName(version, form)), { range, signal })
        if (bytes && !new TextDecoder().decode(bytes).includes('"datashard-commit"')) foreign.push(version)
      }),
    )
    return true
  })
  if (done === undefined) return
  if (others.length > 0) {
    yield {
      check,
      status: 'warning',
      found: `metadata files named by a catalog lie beside the versions (${others.at(-1)}): two histories of one table`,
      next: 'let either DataShard or the catalog write to it',
    }
  }
  if (foreign.length === 0) {
    yield { check, status: 'ok', found: `the newest ${newest.length} versions were all written by DataShard` }
    return
  }
  const engines = new Set(head.metadata.snapshots.flatMap((snapshot) => snapshot.summary?.['engine-name'] ?? []))
  engines.delete('datashard')
  const who = engines.size > 0 ? ` (${[...engines].join(', ')})` : ''
  yield {
    check,
    status: 'warning',
    found: `${foreign.length} of the newest ${newest.length} versions were written by other software${who}`,
    next: 'make sure that it creates versions conditionally; engines that rename or overwrite them lose commits',
  }
}

async function* checkSettings(place: Place, { metadata }: TableHead): AsyncGenerator<Finding> {
  const check = 'settings'
  try {
    checkWritable(metadata, place.location)
    yield { check, status: 'ok', found: 'DataShard can append to it' }
  } catch (error) {
    yield problemOf(check, error, 'reading works; see the message for what to change before appending')
  }
  const there = trimSlash(metadata.location)
    .replace(/^file:\/\//, '')
    .replace(/^s3[an]:/, 's3:')
  if (there !== trimSlash(place.location)) {
    yield {
      check: 'place',
      status: 'warning',
      found: `the metadata says that the table lies at ${metadata.location}: it was copied or moved, and is read-only here`,
      next: 'open it where it says, to append',
    }
  }
}

async function* checkReadable(place: Place, head: TableHead, signal: AbortSignal | undefined): AsyncGenerator<Finding> {
  const check = 'newest snapshot'
  const snapshot = currentSnapshot(head.metadata)
  const info = await place.store.head(keyIn(place, versionName(head.version, head.form)), { signal })
  if (info !== undefined && info.size > LARGE_METADATA_BYTES) {
    const size = `${(info.size / 1024 / 1024).toFixed(1)} MiB`
    yield {
      check: 'metadata size',
      status: 'warning',
      found: `${size} in ${head.metadata.snapshots.length} snapshots, written again by each commit`,
      next: 'expire old snapshots',
    }
  }
  if (snapshot === undefined) {
    yield { check, status: 'ok', found: 'there is none yet: the table is empty' }
    return
  }
  const lists = new ManifestListCache(tableFiles(place.store, place.prefix, head.metadata.location))
  const manifests = yield* attempt(check, '`datashard verify` lists everything that is missing or damaged', () =>
    lists.get(snapshot, signal),
  )
  if (manifests !== undefined) yield { check, status: 'ok', found: `its list names ${manifests.length} manifests` }
}
