/**
 * Overwriting and deleting rows by a predicate: what a transaction needs for it beside its appends
 * (docs/decisions/table-overwrite.md).
 */
import { putUnique } from '../commit/upload.ts'
import { isCertain } from '../commit/certainty.ts'
import type { Committed, Committer } from '../commit/commit.ts'
import { sighting } from '../commit/custody.ts'
import type { ReplaceChange } from '../commit/replace-files.ts'
import { NothingLeft } from '../commit/replace-files.ts'
import { DataShardError } from '../errors.ts'
import { bindPredicate } from '../spec/bind.ts'
import type { DataFile } from '../spec/data-file.ts'
import type { BoundPredicate, Predicate } from '../spec/expressions.ts'
import type { TableMetadata } from '../spec/metadata.ts'
import { currentSchema } from '../spec/metadata.ts'
import type { PartitionSpec } from '../spec/partition.ts'
import { checkWritable } from '../spec/properties.ts'
import { findColumn } from '../spec/schema.ts'
import type { Schema } from '../spec/types.ts'
import type { TableFiles } from '../store/table-files.ts'
import { encodeDataFiles } from '../write/encode.ts'
import type { AppendOptions, AppendResult } from './append.ts'
import { nothingAppended } from './append.ts'
import type { RewriteContext } from './rewrite-file.ts'
import { keptOf, withoutMatching } from './rewrite-file.ts'
import type { Staged } from './stage.ts'

export interface DeleteOptions {
  /** Cancels: before the version is sent nothing is committed (`aborted`), afterwards the answer is what happened. */
  readonly signal?: AbortSignal | undefined
  /** How long to go on against other writers once the files are rewritten; default 30,000. */
  readonly timeoutMs?: number | undefined
}

export type OverwriteOptions = Omit<AppendOptions, 'idempotencyKey' | 'idempotencyKeys'>

/** What became of a transaction, an overwrite or a delete. */
export interface ChangeResult extends AppendResult {
  /** Rows that were in the table and are removed. */
  readonly deletedRows: number
}

/** @param made the snapshot, if there is a new one, and the rows that came and went by it. */
export function changed(
  { head, attempts }: Committed,
  made: Pick<ChangeResult, 'rows' | 'deletedRows'> & { readonly snapshotId: bigint | undefined },
): ChangeResult {
  return {
    version: head.version,
    snapshotId: made.snapshotId ?? head.metadata.currentSnapshotId ?? -1n,
    attempts,
    replayed: false,
    rows: made.rows,
    replayedKeys: [],
    deletedRows: made.deletedRows,
  }
}

export function nothingChanged(committer: Committer): ChangeResult {
  return { ...nothingAppended(committer), deletedRows: 0 }
}

/** Rows that a transaction removes. */
export interface Removal {
  /** The predicate on a base: the same columns, whatever their types are now. `commit-conflict` if they are others. */
  bind(base: TableMetadata): BoundPredicate
}

/** @throws `invalid-argument` if the predicate does not fit the schema of `metadata`. */
export function removalOf(predicate: Predicate, metadata: TableMetadata, location: string): Removal {
  const first = currentSchema(metadata)
  bindPredicate(predicate, first)
  const ids = fieldIds(predicate, first)
  return {
    bind: (base) => {
      const schema = currentSchema(base)
      try {
        const bound = bindPredicate(predicate, schema)
        if (schema === first || fieldIds(predicate, schema) === ids) return bound
      } catch (error) {
        if (!DataShardError.is(error, 'invalid-argument')) throw error
      }
      throw new DataShardError(
        'commit-conflict',
        `another writer changed columns of ${location} by which rows were to be removed; nothing was committed. Load the ` +
          `table again and repeat it`,
        { details: { table: location } },
      )
    },
  }
}

/** Which columns a predicate means, in its order. */
function fieldIds(predicate: Predicate, schema: Schema): string {
  const ids: number[] = []
  const visit = (part: Predicate): void => {
    if ('column' in part) ids.push(findColumn(schema, part.column).field.id)
    else if ('predicates' in part) part.predicates.forEach(visit)
    else if ('predicate' in part) visit(part.predicate)
  }
  visit(predicate)
  return ids.join()
}

/**
 * What the transaction has appended before, without the rows that match. `obsolete`: files that are in it no longer.
 *
 * @param made takes the files that are written for it, also if it fails.
 */
export async function withoutStaged(
  staged: readonly Staged[],
  context: RewriteContext,
  made: DataFile[],
): Promise<{ readonly staged: readonly Staged[]; readonly obsolete: readonly DataFile[] }> {
  const schema = currentSchema(context.metadata)
  const obsolete: DataFile[] = []
  const left: Staged[] = []
  for (const given of staged) {
    const isOld = given.context.schema.schemaId !== schema.schemaId
    const part = isOld ? await inFiles(given, context, made) : given
    const batches = part.batches.flatMap((batch) => keptOf(batch, context.predicate, schema) ?? [])
    const written: DataFile[] = []
    for (const file of part.written) {
      const target = isOld ? context.target : part.context
      const kept = await stagedFile(file, part.context.spec, { ...context, target }, made)
      if (!kept.includes(file)) obsolete.push(file)
      written.push(...kept)
    }
    const inMemory = batches.reduce((sum, batch) => sum + batch.length, 0)
    const stored = written.reduce((sum, file) => sum + Number(file.recordCount), 0)
    left.push({ ...part, batches, written, rows: inMemory + stored })
  }
  return { staged: left, obsolete }
}

/** Rows in memory have the schema that they were appended by; in files they are read by that of now, as any rows are. */
async function inFiles(part: Staged, { files, signal }: RewriteContext, made: DataFile[]): Promise<Staged> {
  if (part.batches.length === 0) return part
  const begun = part.begun ?? sighting(part.context.runtime)
  const encoded = await encodeDataFiles(part.batches, part.context)
  const written = encoded.map(({ dataFile }) => dataFile)
  made.push(...written)
  for (const { key, bytes } of encoded) await putUnique(files, key, bytes, signal)
  return { ...part, begun, batches: [], written: [...part.written, ...written] }
}

/** A file that a large append wrote: read back, because its rows are nowhere else. */
async function stagedFile(
  file: DataFile,
  spec: PartitionSpec,
  context: RewriteContext,
  made: DataFile[],
): Promise<readonly DataFile[]> {
  const task = {
    dataFile: file,
    spec,
    residual: context.predicate,
    snapshotId: 0n,
    sequenceNumber: null,
  }
  const { files, signal } = context
  const result = await withoutMatching(task, context)
  if (result.outcome === 'kept') return [file]
  if (result.outcome === 'dropped') return []
  const kept = result.outcome === 'stored' ? result.stored : result.encoded.map(({ dataFile }) => dataFile)
  made.push(...kept)
  if (result.outcome === 'encoded') {
    for (const { key, bytes } of result.encoded) await putUnique(files, key, bytes, signal)
  }
  return kept
}

/** Commits a change that removes rows; if it turns out that there is nothing to do, there is no new version. */
export async function commitReplacement(
  change: ReplaceChange,
  { committer, files }: { readonly committer: Committer; readonly files: TableFiles },
  options: DeleteOptions,
  rows: number,
): Promise<ChangeResult> {
  const clean = async (which: 'all' | 'unused') => {
    const keys = await change.written(which)
    if (keys.length > 0) await files.store.delete(keys).catch(() => undefined)
  }
  const nothing = async (): Promise<ChangeResult> => {
    await clean('all')
    return nothingChanged(committer)
  }
  try {
    // A head that was known before may be old: that nothing matches must be true of the newest one.
    const { metadata } = await committer.refresh(options.signal)
    checkWritable(metadata, committer.place.location)
    if (!(await change.prepare(metadata, options.signal))) return await nothing()
    const done = await committer.commit(change, { signal: options.signal, timeoutMs: options.timeoutMs })
    const { snapshotId, deletedRows } = change.result()
    await clean('unused')
    return changed(done, { snapshotId, rows, deletedRows: Number(deletedRows) })
  } catch (error) {
    if (error instanceof NothingLeft) return nothing()
    if (isCertain(error)) await clean('all')
    throw error
  }
}
