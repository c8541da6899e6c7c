/** Merging manifests: prepared while the base is still open, taken into a manifest list if it fits the one at hand. */
import { decodeManifest, describeManifest, encodeManifest } from '../codec/manifest.ts'
import { partitionFieldType } from '../codec/manifest-schema.ts'
import { corrupt, throwIfAborted } from '../errors.ts'
import type { Runtime } from '../runtime.ts'
import { uuid } from '../runtime.ts'
import type { ManifestEntry, ManifestFile } from '../spec/data-file.ts'
import type { TableMetadata } from '../spec/metadata.ts'
import { currentSchema, specById } from '../spec/metadata.ts'
import type { PartitionSpec } from '../spec/partition.ts'
import type { Schema } from '../spec/types.ts'
import type { TableFiles } from '../store/table-files.ts'
import { missingObject } from '../store/table-files.ts'
import { putUnique } from './upload.ts'
import type { MergePlan } from './tiers.ts'

const READ_AT_ONCE = 16

/** A line of the list without what only the commit knows that takes it in. */
export type UnboundManifestFile = Omit<ManifestFile, 'sequenceNumber' | 'addedSnapshotId'>

/** A merged manifest that lies in the store; until a commit takes it in, nothing names it. */
export interface PreparedMerge {
  /** Paths of the manifests whose place it takes. */
  readonly replaces: readonly string[]
  /** Undefined: none of them has a file that is not deleted, so that nothing takes their place. */
  readonly manifest: UnboundManifestFile | undefined
  /** Its key, to be deleted if it is certain that no version names it. */
  readonly key: string | undefined
}

export interface MergeOptions {
  readonly signal?: AbortSignal | undefined
  /** Bytes of manifests by their path, such as a writer's own last ones: those are not read. */
  readonly cached?: ReadonlyMap<string, Uint8Array> | undefined
}

/**
 * Reads the manifests of a plan and writes the one that can stand for them: the same files with the snapshot ids and
 * sequence numbers that they had, inherited or not, all of them `existing`; deleted ones are left out (spec: "Manifest
 * Entry Fields"). It depends on the table's schemas and specs only, not on the snapshot that will list it. Undefined if a
 * file has no sequence number, which a writer owed it: such manifests are better left alone.
 *
 * Requests: one GET per manifest that is not in `cached`, at most 16 at once, and one PUT. CPU: about 50 us per file.
 *
 * A merge is housekeeping: a caller whose commit does not need it goes on without when this fails.
 *
 * @throws `corrupt` naming the manifest that is missing or damaged; `unavailable`, `denied`; `aborted`.
 */
export async function prepareMerge(
  files: TableFiles,
  plan: MergePlan,
  metadata: TableMetadata,
  runtime: Runtime,
  options: MergeOptions = {},
): Promise<PreparedMerge | undefined> {
  const spec = specById(metadata, plan.partitionSpecId)
  if (!spec)
    corrupt(`the table at ${files.location} has no partition spec ${plan.partitionSpecId}, but manifests of it`)
  const schema = schemaFor(metadata, spec)
  if (!schema) return undefined
  const entries = await readLive(files, plan.manifests, spec, schema, options)
  if (entries.some((entry) => entry.sequenceNumber === null || entry.fileSequenceNumber === null)) return undefined
  const replaces = plan.manifests.map(({ path }) => path)
  if (entries.length === 0) return { replaces, manifest: undefined, key: undefined }
  const bytes = encodeManifest({ entries, schema, spec, content: 'data', formatVersion: metadata.formatVersion })
  const key = files.key(`metadata/${uuid(runtime)}-m0.avro`)
  await putUnique(files, key, bytes, options.signal)
  return { replaces, manifest: unbound(files.pathOf(key), bytes, entries, spec, schema, plan), key }
}

/**
 * The manifests of a snapshot with a merged one in the place of those that it replaces, at the newest of them. Undefined
 * unless all of those are still listed: somebody else has merged or removed one, and the merge is of no use any more.
 *
 * @param by the snapshot that lists it first. Its operation stays what it is: the table's rows are the same.
 */
export function applyMerge(
  listed: readonly ManifestFile[],
  { replaces, manifest }: PreparedMerge,
  by: { readonly snapshotId: bigint; readonly sequenceNumber: bigint },
): ManifestFile[] | undefined {
  const replaced = new Set(replaces)
  const first = listed.findIndex(({ path }) => replaced.has(path))
  const left = listed.filter(({ path }) => !replaced.has(path))
  if (listed.length - left.length !== replaced.size) return undefined
  const line = manifest && { ...manifest, sequenceNumber: by.sequenceNumber, addedSnapshotId: by.snapshotId }
  return line ? left.toSpliced(first, 0, line) : left
}

/**
 * The newest schema in which the partition's values have types: the current one, unless a column was dropped by which
 * this spec partitions.
 */
function schemaFor(metadata: TableMetadata, spec: PartitionSpec): Schema | undefined {
  const newestFirst = metadata.schemas.toSorted((a, b) => b.schemaId - a.schemaId)
  return [currentSchema(metadata), ...newestFirst].find((schema) =>
    spec.fields.every((field) => partitionFieldType(field, schema) !== undefined),
  )
}

/** In the order of the manifests. */
async function readLive(
  files: TableFiles,
  manifests: readonly ManifestFile[],
  spec: PartitionSpec,
  schema: Schema,
  { signal, cached }: MergeOptions,
): Promise<readonly ManifestEntry[]> {
  const read: (readonly ManifestEntry[])[] = []
  const pending = manifests.entries()
  const worker = async () => {
    for (const [index, manifest] of pending) {
      throwIfAborted(signal, `merging manifests of ${files.location}`)
      const { path } = manifest
      const bytes = cached?.get(path) ?? (await files.store.get(files.resolve(path), { signal }))
      if (!bytes) {
        missingObject('the manifest', path, files)
      }
      read[index] = decodeManifest(bytes, { manifest, spec, schema, where: path }).filter(
        ({ status }) => status !== 'deleted',
      )
    }
  }
  await Promise.all(Array.from({ length: Math.min(READ_AT_ONCE, manifests.length) }, worker))
  return read.flat().map((entry): ManifestEntry => ({ ...entry, status: 'existing' }))
}

function unbound(
  path: string,
  bytes: Uint8Array,
  entries: readonly ManifestEntry[],
  spec: PartitionSpec,
  schema: Schema,
  plan: MergePlan,
): UnboundManifestFile {
  const newest = entries.reduce((max, one) => (one.sequenceNumber! > max ? one.sequenceNumber! : max), 0n)
  const described = describeManifest({
    path,
    lengthBytes: bytes.length,
    content: 'data',
    entries,
    spec,
    schema,
    snapshotId: 0n,
    sequenceNumber: newest,
  })
  const { sequenceNumber: _sequence, addedSnapshotId: _snapshot, ...line } = described
  // v3: all of its files have row ids of their own, so that none is taken from here, but a list may leave none out.
  const rowIds = plan.manifests.flatMap(({ firstRowId }) => (firstRowId === undefined ? [] : [firstRowId]))
  return { ...line, ...(rowIds.length > 0 && { firstRowId: rowIds.reduce((a, b) => (b < a ? b : a)) }) }
}
