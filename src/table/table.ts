/** A table as a user holds it: one head that moves with its own commits and with `refresh`, and what is done on it. */
import { ManifestListCache } from '../commit/list-cache.ts'
import { Committer } from '../commit/commit.ts'
import { Follower } from '../commit/follow.ts'
import type { TableHead } from '../commit/head.ts'
import { Merges } from '../commit/merges.ts'
import type { Place } from '../commit/place.ts'
import { Tempo } from '../commit/tempo.ts'
import { Crowd } from '../commit/crowd.ts'
import { invalid, unsupported } from '../errors.ts'
import { takeSignal } from '../runtime.ts'
import type { DataFile } from '../spec/data-file.ts'
import type { TableMetadata } from '../spec/metadata.ts'
import { currentSchema, currentSnapshot, defaultSpec, snapshotById } from '../spec/metadata.ts'
import type { Predicate } from '../spec/expressions.ts'
import { checkOptions } from '../spec/option-names.ts'
import type { PartitionSpec } from '../spec/partition.ts'
import type { Schema } from '../spec/types.ts'
import { RequestCounter } from '../store/request-counter.ts'
import type { TableFiles } from '../store/table-files.ts'
import { tableFiles, trimSlash } from '../store/table-files.ts'
import type { Scan } from '../scan/scan.ts'
import type { AppendInput } from '../write/input.ts'
import type { AppendOptions, AppendResult, ClaimingAppendOptions, ClaimingAppendResult } from './append.ts'
import { Appender, checkTimeout, nothingAppended, refuseKeys } from './append.ts'
import type { AppendFilesOptions } from './append-files.ts'
import { stageFiles } from './append-files.ts'
import type { AsOf } from './as-of.ts'
import { parseSnapshotId, resolveAsOf } from './as-of.ts'
import { latestScan } from './latest-scan.ts'
import type { OpenOptions } from './open-place.ts'
import { checkFunction } from './describe-change.ts'
import type { ChangeResult, DeleteOptions, OverwriteOptions } from './overwrite.ts'
import {
  APPEND_FILES_OPTIONS,
  APPEND_OPTIONS,
  COMMIT_OPTIONS,
  DELETE_OPTIONS,
  FILES_OPTIONS,
  OVERWRITE_OPTIONS,
  SCAN_OPTIONS,
  SIGNAL_OPTIONS,
  STATE_SCAN_OPTIONS,
} from './option-names.ts'
import type { RowIn, RowOut, RowTypes } from './row-types.ts'
import type { TableScanOptions } from './scan-table.ts'
import { scanTable } from './scan-table.ts'
import { enableOpenTelemetry } from './opentelemetry.ts'
import type { Watched } from './telemetry.ts'
import { watched } from './telemetry.ts'
import type { OpenTransaction, Transaction } from './transaction.ts'
import { newTransaction } from './transaction.ts'
import type { SnapshotView, ViewContext } from './views.ts'
import { liveFiles, snapshotView } from './views.ts'

/** A read-only state of a table, as {@link Table.timeTravel} gives it. */
export interface TableState<T extends RowTypes = RowTypes> {
  readonly metadata: TableMetadata
  readonly schema: Schema
  currentSnapshot(): SnapshotView | undefined
  scan(options?: Omit<TableScanOptions, 'asOf'>): Scan<RowOut<T>>
  files(options?: { readonly signal?: AbortSignal | undefined }): AsyncIterable<DataFile>
}

export interface FilesOptions {
  readonly asOf?: AsOf
  readonly signal?: AbortSignal | undefined
}

export class Table<T extends RowTypes = RowTypes> implements TableState<T> {
  /** As it is named for other engines: `s3://bucket/prefix`, or an absolute path. */
  readonly location: string
  readonly #committer: Committer
  readonly #files: TableFiles
  readonly #lists: ManifestListCache
  readonly #appender: Appender
  readonly #requests: RequestCounter
  readonly #watched: Watched
  readonly #summary: Readonly<Record<string, string>>
  readonly #readOnly: string | undefined
  readonly #ownsStore: boolean
  readonly #s3: OpenOptions['s3']
  /** Transactions whose commit is under way. */
  readonly #committing = new Set<Promise<unknown>>()

  private constructor(place: Place, head: TableHead, options: OpenOptions, readOnly: string | undefined) {
    this.location = place.location
    this.#committer = new Committer(place, head)
    this.#files = tableFiles(place.store, place.prefix, head.metadata.location)
    this.#lists = new ManifestListCache(this.#files)
    this.#summary = writerSummary(options.writer)
    this.#readOnly = readOnly ?? movedFrom(place, head.metadata)
    this.#ownsStore = options.store === undefined
    this.#s3 = options.s3
    const nowMs = () => place.runtime.monotonic()
    void enableOpenTelemetry()
    this.#watched = { table: place.location, onAppend: options.onAppend, nowMs }
    const tempo = new Tempo(place.runtime)
    this.#requests = new RequestCounter(place.store, place.prefix)
    this.#appender = new Appender({
      context: {
        committer: this.#committer,
        follower: new Follower(this.#committer, tempo),
        crowd: new Crowd(),
        files: this.#files,
        lists: this.#lists,
        tempo,
        merges: new Merges(this.#committer, this.#files),
        summary: this.#summary,
      },
      requests: this.#requests,
    })
  }

  /** @internal */
  static open(place: Place, head: TableHead, options: OpenOptions): Table {
    return new Table(place, head, options, undefined)
  }

  /** @internal */
  static readOnly(place: Place, head: TableHead, options: OpenOptions): Table {
    return new Table(place, head, options, 'it was opened by one metadata file, which is a state and not the table')
  }

  /** @internal */
  static placeOf(table: Table): Place {
    return table.#committer.place
  }

  /**
   * The newest version that this handle has read; 0 when it was opened by one metadata file. Where another writer folded an
   * append of this handle in, the version of the append can be newer: scans and commits go on from there by themselves, and
   * `refresh()` brings the handle's metadata there.
   */
  get version(): number {
    return this.#committer.head.version
  }

  /** The metadata of that version. Immutable: a commit or a refresh puts another one in its place. */
  get metadata(): TableMetadata {
    return this.#committer.head.metadata
  }

  get schema(): Schema {
    return currentSchema(this.metadata)
  }

  get partitionSpec(): PartitionSpec {
    return defaultSpec(this.metadata)
  }

  get properties(): Readonly<Record<string, string>> {
    return this.metadata.properties
  }

  /**
   * Appends rows: an array, any (async) iterable or stream of row objects, an Arrow table, or record batches. All of them
   * or none are committed. Appends of one process that meet share one commit, and each gets its own answer.
   *
   * Requests when nobody interferes: one per data file and manifest plus one for the manifest list, in parallel, then the
   * version; the hint follows in the background. That is two round trips and 4 requests for a small append, plus 1.
   *
   * Errors: `invalid-argument` naming row and column, before anything is written; `commit-contention`; `commit-unknown`;
   * `aborted`; `not-found` when the table was dropped; `denied`, `unavailable`, `unsupported`.
   *
   * @example
   * ```ts
   * import { loadTable } from 'datashard'
   *
   * await using events = await loadTable('./events')
   * const { version, rows } = await events.append([{ id: 'b', at: '2026-01-31T12:00:00Z', amount: null }])
   * console.log(`${rows} row in version ${version}`)
   * ```
   */
  async append(rows: AppendInput<RowIn<T>>, options: AppendOptions = {}): Promise<AppendResult> {
    // Nothing is awaited before the rows are taken: an array that the caller changes afterwards is appended as it was.
    checkOptions('append', options, APPEND_OPTIONS)
    this.#refuseReadOnly()
    takeSignal(options.signal)
    return withoutContents(await this.#append(rows as AppendInput, options))
  }

  /**
   * As {@link append}, for layers that keep something with the claims of their keys.
   *
   * @internal
   */
  static async appendClaiming(
    table: Table,
    rows: AppendInput,
    options: ClaimingAppendOptions,
  ): Promise<ClaimingAppendResult> {
    table.#refuseReadOnly()
    takeSignal(options.signal)
    return table.#append(rows, options)
  }

  #append(rows: AppendInput, options: ClaimingAppendOptions): Promise<ClaimingAppendResult> {
    return watched(this.#watched, () => this.#appender.append(rows, options))
  }

  /**
   * Appends ready Parquet files. Each footer is validated against the table's schema before anything is committed. Files
   * under the table's location are used where they are, others are copied into it, so that the table owns what it names.
   * Without files, or without rows in them, nothing is committed, as by {@link append}.
   *
   * Requests: 3 per file (plus the copy), then as {@link append}. For files under the table's location every manifest is
   * read as well, to make sure that none of them is in the table already.
   */
  async appendFiles(paths: readonly string[], options: AppendFilesOptions = {}): Promise<AppendResult> {
    checkOptions('appendFiles', options, APPEND_FILES_OPTIONS)
    this.#refuseReadOnly()
    const { signal, timeoutMs } = options
    checkTimeout(timeoutMs)
    takeSignal(signal)
    const context = { files: this.#files, lists: this.#lists, committer: this.#committer, s3: this.#s3 }
    const found = await stageFiles(paths, context, options)
    if (found.staged.rows === 0) return nothingAppended(this.#committer)
    const tx = this.#newTransaction()
    tx.addStaged(found)
    return tx.commit({ signal, timeoutMs })
  }

  /**
   * Removes the rows for which `predicate` is true and adds others, as one version. Rows that match are those that are in
   * the table at the moment of the commit, also those that others append meanwhile. Where the predicate is neither true
   * nor false, because of a null, a row stays. Files that hold matching and other rows are written anew without the
   * matching ones; older snapshots keep the files of before.
   *
   * Requests: two for the newest version, the manifest list, each manifest that may list matching files and each file of
   * which metadata do not decide; one or more per new file, one per changed manifest; then as {@link append}. Losing to
   * another writer, only what that one added is looked at again.
   *
   * Errors: as {@link append}; `commit-conflict` when another writer changes the columns of the predicate; `unsupported`
   * for tables with delete files.
   *
   * @example
   * ```ts
   * import { eq, loadTable } from 'datashard'
   *
   * await using events = await loadTable('./events')
   * const { deletedRows, rows } = await events.overwrite(eq('id', 'b'), [{ id: 'b', at: '2026-01-31T12:00:00Z', amount: '2.00' }])
   * console.log(`${deletedRows} rows became ${rows}`)
   * ```
   */
  async overwrite(
    predicate: Predicate,
    rows: AppendInput<RowIn<T>>,
    options: OverwriteOptions = {},
  ): Promise<ChangeResult> {
    checkOptions('overwrite', options, OVERWRITE_OPTIONS)
    refuseKeys(options)
    const { timeoutMs, ...staging } = options
    const { signal } = options
    takeSignal(signal)
    return this.transaction(async (tx) => void (await tx.overwrite(predicate, rows, staging)), { signal, timeoutMs })
  }

  /**
   * Removes the rows for which `predicate` is true: {@link overwrite} without rows to add. If there are none, nothing is
   * committed.
   *
   * @example
   * ```ts
   * import { eq, loadTable } from 'datashard'
   *
   * await using events = await loadTable('./events')
   * const { deletedRows } = await events.delete(eq('id', 'b'))
   * ```
   */
  async delete(predicate: Predicate, options: DeleteOptions = {}): Promise<ChangeResult> {
    checkOptions('delete', options, DELETE_OPTIONS)
    refuseKeys(options)
    const { signal } = options
    takeSignal(signal)
    return this.transaction((tx) => tx.delete(predicate, { signal }), options)
  }

  /**
   * Rows of the table, or of an earlier state of it. Nothing is read before the first row is asked for.
   *
   * @example
   * ```ts
   * import { gte, loadTable } from 'datashard'
   *
   * await using events = await loadTable('./events')
   * for await (const row of events.scan({ select: ['id', 'amount'], where: gte('at', '2026-01-01T00:00:00Z'), limit: 10 })) {
   *   console.log(row.id, row.amount)
   * }
   * ```
   */
  scan(options: TableScanOptions = {}): Scan<RowOut<T>> {
    checkOptions('scan', options, SCAN_OPTIONS)
    const scanNow = () => scanTable(this.#files, this.metadata, options, this.location) as Scan<RowOut<T>>
    if (!this.#committer.isBehind) return scanNow()
    takeSignal(options.signal)
    return latestScan(async () => (await this.#committer.catchUp(options.signal), scanNow()), scanNow)
  }

  /** The snapshot of the newest rows; undefined in a table that has none. */
  currentSnapshot(): SnapshotView | undefined {
    const snapshot = currentSnapshot(this.metadata)
    return snapshot && snapshotView(this.#view(), snapshot)
  }

  /** The snapshot of this id; undefined if the table has none such. */
  snapshotById(snapshotId: bigint | number | string): SnapshotView | undefined {
    const snapshot = snapshotById(this.metadata, parseSnapshotId(snapshotId))
    return snapshot && snapshotView(this.#view(), snapshot)
  }

  /** All snapshots that the table keeps, oldest first. */
  snapshots(): readonly SnapshotView[] {
    return this.metadata.snapshots.map((snapshot) => snapshotView(this.#view(), snapshot))
  }

  /** The live data files of the newest or an earlier state. One request per manifest, 16 at once, and one for their list. */
  files(options: FilesOptions = {}): AsyncIterable<DataFile> {
    checkOptions('files', options, FILES_OPTIONS)
    takeSignal(options.signal)
    const filesNow = () => {
      const { snapshot } = resolveAsOf(this.metadata, options.asOf, this.location)
      return liveFiles(this.#view(), snapshot, options.signal)
    }
    return this.#committer.isBehind ? this.#latestFiles(filesNow, options.signal) : filesNow()
  }

  async *#latestFiles(filesNow: () => AsyncIterable<DataFile>, signal?: AbortSignal): AsyncIterable<DataFile> {
    await this.#committer.catchUp(signal)
    yield* filesNow()
  }

  /** An earlier state, to read from: by snapshot id, by time, or by the name of a tag or branch. No request. */
  timeTravel(asOf: AsOf): TableState<T> {
    if (asOf === undefined) invalid('timeTravel needs one of { snapshotId }, { timestamp } and { ref }')
    const { snapshot, schema } = resolveAsOf(this.metadata, asOf, this.location)
    const { metadata } = this
    const view = this.#view()
    const fixed: AsOf | undefined = snapshot && { snapshotId: snapshot.snapshotId }
    return {
      metadata,
      schema,
      currentSnapshot: () => snapshot && snapshotView(view, snapshot),
      scan: (options = {}) => {
        checkOptions('scan of an earlier state', options, STATE_SCAN_OPTIONS)
        const wishes = { ...options, asOf: 'ref' in asOf ? asOf : fixed }
        return scanTable(this.#files, metadata, wishes, this.location) as Scan<RowOut<T>>
      },
      files: (options = {}) => {
        checkOptions('files of an earlier state', options, SIGNAL_OPTIONS)
        return liveFiles(view, snapshot, options.signal)
      },
    }
  }

  /** Looks for newer versions. Two requests if there are none. Returns this table. */
  async refresh(options: { readonly signal?: AbortSignal | undefined } = {}): Promise<this> {
    checkOptions('refresh', options, SIGNAL_OPTIONS)
    takeSignal(options.signal)
    if (this.#readOnly === undefined || this.version > 0) await this.#committer.refresh(options.signal)
    return this
  }

  /**
   * Runs `body` and commits everything that it did in one version, or nothing if it throws. On a conflict with another
   * writer the changes are made again on the newer version; `body` runs once. A change that `body` did not await is waited for,
   * and if it fails, nothing is committed.
   *
   * @example
   * ```ts
   * import { loadTable } from 'datashard'
   *
   * await using events = await loadTable('./events')
   * await events.transaction(async (tx) => {
   *   await tx.append([{ id: 'c', at: new Date(), amount: '1.00' }])
   *   tx.setProperties({ owner: 'data' })
   *   tx.setTag('first-of-the-month')
   * })
   * ```
   */
  async transaction(
    body: (tx: Transaction<T>) => Promise<void> | void,
    options: { readonly signal?: AbortSignal | undefined; readonly timeoutMs?: number | undefined } = {},
  ): Promise<ChangeResult> {
    checkOptions('transaction', options, COMMIT_OPTIONS)
    checkFunction('transaction', body)
    checkTimeout(options.timeoutMs)
    const tx = this.newTransaction()
    try {
      await body(tx)
      return await tx.commit(options)
    } catch (error) {
      // Nothing is left to roll back once the commit has begun; a commit that was refused leaves files.
      await tx.rollback()
      throw error
    }
  }

  /** A transaction to be ended by `commit()` or `rollback()`. */
  newTransaction(): Transaction<T> {
    return this.#newTransaction()
  }

  #newTransaction(): OpenTransaction<T> {
    return newTransaction<T>({
      committer: this.#committer,
      files: this.#files,
      lists: this.#lists,
      summary: this.#summary,
      refuse: () => this.#refuseReadOnly(),
      committing: this.#committing,
    })
  }

  /**
   * Waits for what is in flight, as {@link flush}, and frees connections. An append that reads an endless input ends by its own `signal`, not
   * by this.
   */
  async close(): Promise<void> {
    await this.flush()
    this.#requests.close()
    if (this.#ownsStore) this.#files.store.close()
  }

  /**
   * Waits for appends and transactions in flight, those that still read their input too, and for the version hint, which DuckDB trusts to be
   * exact. Not to be awaited within the input of an append: that would wait for itself.
   */
  async flush(): Promise<void> {
    await this.#appender.idle()
    await Promise.allSettled(this.#committing)
    await this.#committer.flush()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #view(): ViewContext {
    return { files: this.#files, lists: this.#lists, metadata: this.metadata }
  }

  #refuseReadOnly(): void {
    if (this.#readOnly !== undefined) unsupported(`${this.location} cannot be written to: ${this.#readOnly}`)
  }
}

function withoutContents({ replayedContents: _contents, ...result }: ClaimingAppendResult): AppendResult {
  return result
}

/** A table that was copied or moved is read where it is, but what we wrote there would be named by its old place. */
export function movedFrom(place: Place, metadata: TableMetadata): string | undefined {
  const [here, there] = [place.location, metadata.location].map((one) =>
    trimSlash(one).replace(/^(?:s3[an]:|file:\/\/)/, (m) => (m.startsWith('file') ? '' : 's3:')),
  )
  return here === there ? undefined : `its metadata says that it lies at ${metadata.location}; open it there`
}

function writerSummary(writer: string | undefined): Readonly<Record<string, string>> {
  return { 'engine-name': 'datashard', ...(writer !== undefined && { 'datashard.writer': writer }) }
}
