/**
 * What a folder makes of the intents in the inbox: data files that it can describe, and manifests that it has read. An
 * intent that says nothing sensible, or that does not fit the table as it is now, is left where it is: its publisher
 * finds that out too, and gets the error (commit-protocol, "Ledger").
 */
import { decodeFileDescriptor, decodeManifestDescriptor, readDescriptorHead } from '../codec/descriptor.ts'
import { decodeManifest } from '../codec/manifest.ts'
import { DataShardError } from '../errors.ts'
import type { DataFile, ManifestFile } from '../spec/data-file.ts'
import type { TableMetadata } from '../spec/metadata.ts'
import { currentSchema, schemaById, specById } from '../spec/metadata.ts'
import { indexSchema } from '../spec/schema.ts'
import type { Schema } from '../spec/types.ts'
import type { TableFiles } from '../store/table-files.ts'
import type { ListedIntent } from './inbox.ts'
import type { IntentName } from './window.ts'

/** The largest data file that is published under a describing name; larger ones are published by a manifest. */
export const MAX_INTENT_FILE_BYTES = 8 * 1024 * 1024
/** Manifests in the inbox larger than this are nobody's append. */
const MAX_INTENT_MANIFEST_BYTES = 64 * 1024 * 1024
/** Manifests read at once. */
const PARALLEL_READS = 64

/** An intent that can be folded, with the data files that it brings. */
export interface Candidate {
  readonly intent: ListedIntent
  readonly dataFiles: readonly DataFile[]
}

/** Whether rows that were written by this schema may be appended to the table as it is now. */
export function fitsSchema(metadata: TableMetadata, schemaId: number, specId: number): boolean {
  const written = schemaById(metadata, schemaId)
  if (!written || !specById(metadata, specId)) return false
  return written.schemaId === metadata.currentSchemaId || hasAllRequired(currentSchema(metadata), written)
}

/** A column that is required now and was not there, or could be null, when the rows were written. */
function hasAllRequired(now: Schema, written: Schema): boolean {
  const { byId } = indexSchema(written)
  return now.fields.every((field) => !field.required || byId.get(field.id)?.field.required === true)
}

/** What a name says: a data file, or a manifest (`dataFiles` undefined) that is to be read. */
export interface Described extends IntentName {
  readonly intent: ListedIntent
  readonly dataFiles: readonly DataFile[] | undefined
}

/** Undefined for a name that says nothing sensible: it must not take the place of one that does. No request. */
export function describe(intent: ListedIntent, base: TableMetadata, files: TableFiles): Described | undefined {
  const { id, base: seen } = intent
  if (intent.kind === 'file') {
    const found = describedFile(intent, base, files)
    return found && { id, base: seen, ...found }
  }
  const described = decodeManifestDescriptor(intent.descriptor)
  if (described?.lengthBytes !== intent.size || !fitsSchema(base, described.schemaId, described.specId))
    return undefined
  return { id, base: seen, intent, dataFiles: undefined }
}

/** Those that can be folded into `base`, in their order. One request for each that is a manifest. */
export async function readCandidates(
  described: readonly Described[],
  base: TableMetadata,
  files: TableFiles,
  signal: AbortSignal | undefined,
): Promise<readonly Candidate[]> {
  const found: (Candidate | undefined)[] = described.map(({ intent, dataFiles }) => dataFiles && { intent, dataFiles })
  const manifests = described.flatMap(({ intent, dataFiles }, index) => (dataFiles ? [] : [{ intent, index }]))
  for (let at = 0; at < manifests.length; at += PARALLEL_READS) {
    await Promise.all(
      manifests.slice(at, at + PARALLEL_READS).map(async ({ intent, index }) => {
        found[index] = await readManifest(intent, base, files, signal)
      }),
    )
  }
  return found.filter((one) => one !== undefined)
}

function describedFile(intent: ListedIntent, base: TableMetadata, files: TableFiles): Candidate | undefined {
  const head = readDescriptorHead(intent.descriptor)
  if (head?.kind !== 'file' || !fitsSchema(base, head.schemaId, head.specId)) return undefined
  const schema = schemaById(base, head.schemaId)!
  const described = decodeFileDescriptor(intent.descriptor, schema, specById(base, head.specId)!)
  // A size that is not the promised one is a damaged upload, or somebody else's object.
  if (!described || described.fileSizeBytes !== BigInt(intent.size) || intent.size > MAX_INTENT_FILE_BYTES) {
    return undefined
  }
  const { schemaId: _, ...rest } = described
  const path = files.pathOf(intent.key)
  const dataFile: DataFile = { ...rest, content: 'data', format: 'parquet', path, columnSizes: new Map() }
  return { intent, dataFiles: [dataFile] }
}

async function readManifest(
  intent: ListedIntent,
  base: TableMetadata,
  files: TableFiles,
  signal: AbortSignal | undefined,
): Promise<Candidate | undefined> {
  const described = decodeManifestDescriptor(intent.descriptor)
  if (!described || described.lengthBytes !== intent.size || intent.size > MAX_INTENT_MANIFEST_BYTES) return undefined
  if (!fitsSchema(base, described.schemaId, described.specId)) return undefined
  const bytes = await files.store.get(intent.key, { signal })
  if (!bytes) return undefined
  try {
    const manifest = lineOf(intent, described, files)
    const spec = specById(base, described.specId)!
    const entries = decodeManifest(bytes, { manifest, spec, schema: currentSchema(base), where: intent.key })
    const rows = entries.reduce((sum, entry) => sum + entry.dataFile.recordCount, 0n)
    if (rows !== described.rows || entries.some((entry) => entry.status !== 'added')) return undefined
    for (const { dataFile } of entries) files.resolve(dataFile.path)
    return { intent, dataFiles: entries.map((entry) => entry.dataFile) }
  } catch (error) {
    if (DataShardError.is(error, 'corrupt') || DataShardError.is(error, 'unsupported')) return undefined
    throw error
  }
}

/** The line of a manifest list that this manifest would have; its entries inherit nothing that matters here. */
function lineOf(
  intent: ListedIntent,
  described: { readonly specId: number; readonly files: number; readonly rows: bigint },
  files: TableFiles,
): ManifestFile {
  return {
    path: files.pathOf(intent.key),
    length: BigInt(intent.size),
    partitionSpecId: described.specId,
    content: 'data',
    sequenceNumber: 0n,
    minSequenceNumber: 0n,
    addedSnapshotId: 0n,
    addedFilesCount: described.files,
    existingFilesCount: 0,
    deletedFilesCount: 0,
    addedRowsCount: described.rows,
    existingRowsCount: 0n,
    deletedRowsCount: 0n,
  }
}
