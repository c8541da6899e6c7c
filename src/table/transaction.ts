/**
 * Transactions: several appends, overwrites and changes of the table as one version, or none. What is done in a transaction
 * is a list of functions from metadata to updates; on a conflict they are called again on the newer version.
 */
import type { AppendChangeOptions } from '../commit/append.ts'
import { appendChange } from '../commit/append.ts'
import { isCertain } from '../commit/certainty.ts'
import type { Change, Committer } from '../commit/commit.ts'
import type { ManifestListCache } from '../commit/list-cache.ts'
import { replaceChange } from '../commit/replace-files.ts'
import { begunFirst } from '../commit/unnamed.ts'
import { DataShardError, invalid, throwIfAborted } from '../errors.ts'
import { snapshotId as newSnapshotId, takeSignal } from '../runtime.ts'
import { anyOf } from '../spec/bound-logic.ts'
import type { DataFile } from '../spec/data-file.ts'
import type { Predicate } from '../spec/expressions.ts'
import type { TableMetadata } from '../spec/metadata.ts'
import { currentSnapshot, snapshotById } from '../spec/metadata.ts'
import { checkOptions } from '../spec/option-names.ts'
import { checkProperties, checkPropertyName, checkWritable } from '../spec/properties.ts'
import type { Snapshot } from '../spec/snapshot.ts'
import { MAIN_BRANCH } from '../spec/snapshot.ts'
import type { TableUpdate } from '../spec/updates.ts'
import { applyUpdates } from '../spec/updates.ts'
import type { TableFiles } from '../store/table-files.ts'
import type { AppendInput } from '../write/input.ts'
import type { AppendOptions } from './append.ts'
import { checkTimeout, refuseKeys } from './append.ts'
import type { StagedFiles } from './append-files.ts'
import { parseSnapshotId } from './as-of.ts'
import type { ChangeResult, DeleteOptions, OverwriteOptions, Removal } from './overwrite.ts'
import { changed, commitReplacement, removalOf, withoutStaged, nothingChanged } from './overwrite.ts'
import { COMMIT_OPTIONS, SET_TAG_OPTIONS, SIGNAL_OPTIONS, STAGE_OPTIONS } from './option-names.ts'
import type { PartitionChange } from './partition-change.ts'
import { changePartitionSpec } from './partition-change.ts'
import type { RowIn, RowTypes } from './row-types.ts'
import { PendingChanges } from './pending-changes.ts'
import { RowRemoval } from './row-removal.ts'
import type { SchemaChange } from './schema-change.ts'
import { changeSchema } from './schema-change.ts'
import type { Staged } from './stage.ts'
import { discard, encodeStaged, stage } from './stage.ts'
import { writeTarget } from './write-target.ts'

export interface SetTagOptions {
  /** Default: the snapshot that this transaction commits, or the current one if it appends nothing. */
  readonly snapshotId?: bigint | number | string
  /** Age after which expiry may remove the tag; default: never. */
  readonly maxRefAgeMs?: number
}

export interface CommitTransactionOptions {
  readonly signal?: AbortSignal | undefined
  /** How long to go on against other writers; default 30,000. */
  readonly timeoutMs?: number | undefined
}

export interface Transaction<T extends RowTypes = RowTypes> {
  /** Validates and writes rows; they appear with the commit. Returns how many there are. */
  append(rows: AppendInput<RowIn<T>>, options?: Omit<AppendOptions, 'timeoutMs'>): Promise<{ readonly rows: number }>
  /**
   * Removes the rows for which the predicate is true and adds others, in one snapshot. Rows that match are those that are
   * in the table when the transaction commits, also if others append them meanwhile, and those that the transaction itself
   * appended before; rows that it appends afterwards, these among them, stay. Returns how many rows are added.
   */
  overwrite(
    predicate: Predicate,
    rows: AppendInput<RowIn<T>>,
    options?: Omit<OverwriteOptions, 'timeoutMs'>,
  ): Promise<{ readonly rows: number }>
  /** As {@link overwrite}, without rows to add. */
  delete(predicate: Predicate, options?: Omit<DeleteOptions, 'timeoutMs'>): Promise<void>
  setProperties(properties: Readonly<Record<string, string>>): void
  removeProperties(names: readonly string[]): void
  /** Names a snapshot, so that it can be read by `asOf: { ref }` and is never expired before its time. */
  setTag(name: string, options?: SetTagOptions): void
  removeTag(name: string): void
  /** Adds, renames, widens or makes optional columns of the schema. Files that exist are not rewritten. */
  updateSchema(change: (schema: SchemaChange) => unknown): void
  /** How files are partitioned from now on. Files that exist keep the spec that they were written with. */
  updatePartitionSpec(change: (spec: PartitionChange) => unknown): void
  /**
   * Commits everything as one version. The transaction is over then, whatever comes of it. Appends, overwrites and deletes that
   * nobody has awaited are waited for; if one of them fails, so does the commit, with its error.
   */
  commit(options?: CommitTransactionOptions): Promise<ChangeResult>
  /** Gives everything up and deletes the files that were written. */
  rollback(): Promise<void>
}

export interface TransactionContext {
  readonly committer: Committer
  readonly files: TableFiles
  readonly lists: ManifestListCache
  readonly summary: Readonly<Record<string, string>>
  /** Throws when the table cannot be written to. */
  readonly refuse: () => void
  /** Commits under way, for whoever closes the table. */
  readonly committing: Set<Promise<unknown>>
}

/** A change of metadata only: called on each base. `snapshot` is the one that the transaction adds, if any. */
type MetadataChange = (base: TableMetadata, snapshot: Snapshot | undefined) => readonly TableUpdate[]

export function newTransaction<T extends RowTypes>(context: TransactionContext): OpenTransaction<T> {
  context.refuse()
  return new OpenTransaction<T>(context)
}

export class OpenTransaction<T extends RowTypes = RowTypes> implements Transaction<T> {
  readonly #context: TransactionContext
  /** Schema and spec changes: they come before the snapshot, because rows are written by them. */
  readonly #before: MetadataChange[] = []
  readonly #after: MetadataChange[] = []
  readonly #staged: Staged[] = []
  readonly #removals: Removal[] = []
  #verify: StagedFiles['verify'] | undefined
  #state: 'open' | 'ending' | 'committed' | 'rolled back' = 'open'
  #appending = 0
  readonly #pending = new PendingChanges()
  /** What the first so many changes of `#before` make of a base. */
  #own: { readonly base: TableMetadata; readonly changes: number; readonly metadata: TableMetadata } | undefined

  constructor(context: TransactionContext) {
    this.#context = context
  }

  append(rows: AppendInput<RowIn<T>>, options: Omit<AppendOptions, 'timeoutMs'> = {}): Promise<{ rows: number }> {
    return this.#begin(() => this.#append(rows as AppendInput, options))
  }

  async #append(rows: AppendInput, options: Omit<AppendOptions, 'timeoutMs'>): Promise<{ rows: number }> {
    checkOptions<Omit<OverwriteOptions, 'timeoutMs'>>('append of a transaction', options, STAGE_OPTIONS)
    refuseKeys(options)
    takeSignal(options.signal)
    const { committer, files } = this.#context
    const target = writeTarget(this.#ownMetadata(), files, committer.place.runtime)
    this.#appending += 1
    try {
      const staged = await stage(rows, target, files, options)
      if (this.#isOver()) {
        await discard(files, staged.written, new DataShardError('aborted', 'the transaction ended'))
        this.#refuse()
      }
      this.#staged.push(staged)
      return { rows: staged.rows }
    } finally {
      this.#appending -= 1
    }
  }

  overwrite(
    predicate: Predicate,
    rows: AppendInput<RowIn<T>>,
    options: Omit<OverwriteOptions, 'timeoutMs'> = {},
  ): Promise<{ rows: number }> {
    return this.#begin(async () => {
      checkOptions('overwrite of a transaction', options, STAGE_OPTIONS)
      refuseKeys(options)
      return this.#remove(predicate, { rows: rows as AppendInput }, options)
    })
  }

  delete(predicate: Predicate, options: Omit<DeleteOptions, 'timeoutMs'> = {}): Promise<void> {
    return this.#begin(async () => {
      checkOptions('delete of a transaction', options, SIGNAL_OPTIONS)
      refuseKeys(options)
      await this.#remove(predicate, undefined, options)
    })
  }

  /** What is asked of a transaction that is over is no change of it: its failure is the caller's alone. */
  #begin<R>(change: () => Promise<R>): Promise<R> {
    if (this.#state === 'open') return this.#pending.begin(change)
    return (async () => this.#refuse())()
  }

  async #remove(
    predicate: Predicate,
    input: { readonly rows: AppendInput } | undefined,
    options: Omit<OverwriteOptions, 'timeoutMs'>,
  ): Promise<{ rows: number }> {
    if (this.#appending > 0) {
      invalid('an append of the transaction is not finished; await tx.append(...) before rows are removed')
    }
    takeSignal(options.signal)
    throwIfAborted(options.signal, 'removing rows')
    const { signal } = options
    const { committer, files } = this.#context
    const { runtime } = committer.place
    const metadata = this.#ownMetadata()
    checkWritable(metadata, committer.place.location)
    const removal = removalOf(predicate, metadata, files.location)
    const target = writeTarget(metadata, files, runtime)
    const written: DataFile[] = []
    // What is appended from now on comes later, also if it is finished first.
    const earlier = [...this.#staged]
    this.#appending += 1
    try {
      const added = input && (await stage(input.rows, target, files, options))
      written.push(...(added?.written ?? []))
      const context = { files, metadata, predicate: removal.bind(metadata), target, signal }
      const { staged, obsolete } = await withoutStaged(earlier, context, written)
      if (this.#isOver()) this.#refuse()
      // All of it or nothing: who catches an error may go on with the transaction.
      this.#staged.splice(0, earlier.length, ...staged, ...(added ? [added] : []))
      this.#removals.push(removal)
      await discard(files, obsolete, replaced())
      return { rows: added?.rows ?? 0 }
    } catch (error) {
      await discard(files, written, replaced())
      throw error
    } finally {
      this.#appending -= 1
    }
  }

  /** @internal Adds what was staged elsewhere (ready files), with what it needs changed in the table. */
  addStaged({ staged, before, verify }: StagedFiles): void {
    this.#open()
    this.#staged.push(staged)
    this.#before.push(before)
    this.#verify = verify
  }

  setProperties(properties: Readonly<Record<string, string>>): void {
    this.#open()
    checkProperties(properties)
    this.#after.push(() => [{ action: 'set-properties', updates: { ...properties } }])
  }

  removeProperties(names: readonly string[]): void {
    this.#open()
    // A text can be iterated too: by its letters.
    if (!Array.isArray(names)) invalid(`removeProperties takes an array of names; found ${typeof names}`)
    for (const name of names) checkPropertyName(name)
    this.#after.push(() => [{ action: 'remove-properties', removals: [...names] }])
  }

  setTag(name: string, options: SetTagOptions = {}): void {
    this.#open()
    checkOptions('setTag', options, SET_TAG_OPTIONS)
    checkTagName(name)
    const wanted = options.snapshotId === undefined ? undefined : parseSnapshotId(options.snapshotId)
    const { maxRefAgeMs } = options
    if (maxRefAgeMs !== undefined && !(Number.isSafeInteger(maxRefAgeMs) && maxRefAgeMs > 0)) {
      invalid(`maxRefAgeMs of tag '${name}' is ${maxRefAgeMs}, expected whole milliseconds above 0`)
    }
    this.#after.push((base, added) => {
      const snapshot = wanted === undefined ? (added ?? currentSnapshot(base)) : snapshotById(base, wanted)
      if (!snapshot) {
        throw new DataShardError(
          'not-found',
          wanted === undefined
            ? `the table has no snapshot for tag '${name}' to name; append first`
            : `there is no snapshot ${wanted} for tag '${name}' to name`,
        )
      }
      if (base.refs[name]?.type === 'branch') invalid(`'${name}' is the name of a branch; choose another for the tag`)
      const age = maxRefAgeMs === undefined ? {} : { maxRefAgeMs: BigInt(maxRefAgeMs) }
      return [{ action: 'set-snapshot-ref', name, ref: { type: 'tag', snapshotId: snapshot.snapshotId, ...age } }]
    })
  }

  removeTag(name: string): void {
    this.#open()
    this.#after.push((base) => {
      if (base.refs[name]?.type !== 'tag') throw new DataShardError('not-found', `the table has no tag '${name}'`)
      return [{ action: 'remove-snapshot-ref', name }]
    })
  }

  updateSchema(change: (schema: SchemaChange) => unknown): void {
    if (this.#removals.length > 0) {
      invalid('the transaction removes rows already; change the schema before that, or in a transaction of its own')
    }
    this.#changeBefore((base) => changeSchema(base, change))
  }

  updatePartitionSpec(change: (spec: PartitionChange) => unknown): void {
    this.#changeBefore((base) => changePartitionSpec(base, change))
  }

  async commit(options: CommitTransactionOptions = {}): Promise<ChangeResult> {
    this.#open()
    checkOptions('commit', options, COMMIT_OPTIONS)
    checkTimeout(options.timeoutMs)
    takeSignal(options.signal)
    this.#state = 'ending'
    const { committing } = this.#context
    const done = this.#end(options)
    committing.add(done)
    return done.finally(() => committing.delete(done))
  }

  async #end(options: CommitTransactionOptions): Promise<ChangeResult> {
    try {
      await this.#pending.settle(options.signal)
    } catch (error) {
      await this.#giveUp()
      throw error
    }
    this.#state = 'committed'
    return this.#removals.length > 0 ? this.#commitRemovals(options) : this.#commit(options)
  }

  async #commit(options: CommitTransactionOptions): Promise<ChangeResult> {
    const { committer, files } = this.#context
    const rows = this.#rows()
    if (rows === 0 && this.#before.length + this.#after.length === 0) {
      return nothingChanged(committer)
    }
    let written = (): readonly string[] => []
    try {
      const { change, snapshotId, ...made } = rows > 0 ? await this.#appendChange() : this.#metadataChange()
      written = made.written
      const done = await committer.commit(change, { signal: options.signal, timeoutMs: options.timeoutMs })
      return changed(done, { snapshotId, rows, deletedRows: 0 })
    } catch (error) {
      if (isCertain(error)) await files.store.delete(written()).catch(() => undefined)
      await discard(files, this.#dataFiles(), error)
      throw error
    }
  }

  async #commitRemovals(options: CommitTransactionOptions): Promise<ChangeResult> {
    const { committer, files } = this.#context
    const { runtime } = committer.place
    const snapshotId = newSnapshotId(runtime)
    const bind = (base: TableMetadata) => anyOf(this.#removals.map((removal) => removal.bind(base)))
    try {
      const change = replaceChange({
        ...(await this.#changeOptions()),
        snapshotId,
        source: new RowRemoval({ files, runtime, snapshotId, bind }),
        also: (base, snapshot) => inOrder(base, this.#after, snapshot),
      })
      return await commitReplacement(change, { committer, files }, options, this.#rows())
    } catch (error) {
      await discard(files, this.#dataFiles(), error)
      throw error
    }
  }

  async rollback(): Promise<void> {
    if (this.#state === 'open') await this.#giveUp()
  }

  async #giveUp(): Promise<void> {
    this.#state = 'rolled back'
    await discard(this.#context.files, this.#dataFiles(), new DataShardError('aborted', 'rolled back'))
  }

  async #appendChange() {
    const options: AppendChangeOptions = {
      ...(await this.#changeOptions()),
      also: (base, snapshot) => inOrder(base, this.#after, snapshot),
    }
    const change = appendChange(options)
    return { change: change as Change, snapshotId: change.snapshotId as bigint | undefined, written: change.written }
  }

  async #changeOptions(): Promise<Omit<AppendChangeOptions, 'also'>> {
    const { committer, files, lists, summary } = this.#context
    return {
      files,
      lists,
      summary,
      appended: await encodeStaged(this.#staged, files),
      begun: begunFirst(
        this.#staged.map((staged) => staged.begun),
        committer.place.runtime,
      ),
      runtime: committer.place.runtime,
      what: `the transaction on ${files.location}`,
      ...(this.#verify && { verify: this.#verify }),
      before: (base) => inOrder(base, this.#before, undefined),
    }
  }

  #metadataChange() {
    const change: Change = {
      what: `the transaction on ${this.#context.files.location}`,
      derive: async (base) => ({
        updates: inOrder(base, [...this.#before, ...this.#after], undefined),
        scratch: [],
      }),
    }
    return { change, snapshotId: undefined as bigint | undefined, written: (): readonly string[] => [] }
  }

  /** The newest metadata with what this transaction has changed so far: each change is made once for each base. */
  #ownMetadata(): TableMetadata {
    const base = this.#context.committer.head.metadata
    const known = this.#own?.base === base ? this.#own : { base, changes: 0, metadata: base }
    const added = inOrder(known.metadata, this.#before.slice(known.changes), undefined)
    const metadata = applied(known.metadata, added)
    this.#own = { base, changes: this.#before.length, metadata }
    return metadata
  }

  /**
   * Changes of schema and spec are tried at once, so that a mistake shows where it is made. Made again on another base
   * they must come to the same, or rows that were written by them would not fit.
   */
  #changeBefore(make: (base: TableMetadata) => readonly TableUpdate[]): void {
    this.#open()
    const first = make(this.#ownMetadata())
    const conflict = (cause?: unknown) =>
      new DataShardError(
        'commit-conflict',
        `another writer changed the schema or partitioning of ${this.#context.files.location} while this transaction ` +
          `did too; nothing was committed. Load the table again and repeat it`,
        { cause },
      )
    this.#before.push((base) => {
      let again: readonly TableUpdate[]
      try {
        again = make(base)
      } catch (error) {
        // It could be made when it was asked for: it is the base that changed.
        throw DataShardError.is(error, 'invalid-argument') ? conflict(error) : error
      }
      if (this.#staged.length + this.#removals.length > 0 && text(again) !== text(first)) throw conflict()
      return again
    })
  }

  #rows(): number {
    return this.#staged.reduce((sum, staged) => sum + staged.rows, 0)
  }

  #dataFiles(): readonly DataFile[] {
    return this.#staged.flatMap((staged) => staged.written)
  }

  #open(): void {
    if (this.#state !== 'open') this.#refuse()
  }

  /** Changes that were begun before the commit still come into it. */
  #isOver(): boolean {
    return this.#state === 'committed' || this.#state === 'rolled back'
  }

  #refuse(): never {
    const state = this.#state === 'ending' ? 'committed' : this.#state
    return invalid(`the transaction is ${state} already; begin another one`)
  }
}

/** No version names these files, nor will one. */
function replaced(): DataShardError {
  return new DataShardError('aborted', 'given up by the transaction')
}

/** What the changes come to, each made on what those before it have left. */
function inOrder(
  base: TableMetadata,
  changes: readonly MetadataChange[],
  snapshot: Snapshot | undefined,
): readonly TableUpdate[] {
  const updates: TableUpdate[] = []
  let state = base
  for (const make of changes) {
    const made = make(state, snapshot)
    updates.push(...made)
    state = applied(state, made)
  }
  return updates
}

function applied(base: TableMetadata, updates: readonly TableUpdate[]): TableMetadata {
  return updates.length === 0 ? base : applyUpdates(base, updates, { nowMs: base.lastUpdatedMs, baseFile: '' })
}

function text(updates: readonly TableUpdate[]): string {
  return JSON.stringify(updates, (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value))
}

function checkTagName(name: string): void {
  if (typeof name !== 'string' || name.trim() === '') invalid('a tag needs a name')
  if (name === MAIN_BRANCH) invalid(`'${MAIN_BRANCH}' is the table's own branch; choose another name for the tag`)
}
