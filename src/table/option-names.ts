/** The names of the options of every call on tables, for {@link checkOptions}; the types see to it that none is missing. */
import type { OptionNames } from '../spec/option-names.ts'
import type { AppendOptions } from './append.ts'
import type { AppendFilesOptions } from './append-files.ts'
import type { CreateTableOptions } from './create.ts'
import type { DropTableOptions } from './drop.ts'
import type { OpenOptions } from './open-place.ts'
import type { DeleteOptions, OverwriteOptions } from './overwrite.ts'
import type { TableScanOptions } from './scan-table.ts'
import type { FilesOptions } from './table.ts'
import type { CommitTransactionOptions, SetTagOptions } from './transaction.ts'

export const OPEN_OPTIONS: OptionNames<OpenOptions> = {
  store: true,
  s3: true,
  signal: true,
  writer: true,
  onAppend: true,
  runtime: true,
}

export const CREATE_OPTIONS: OptionNames<CreateTableOptions> = {
  schema: true,
  partitionBy: true,
  sortBy: true,
  properties: true,
  ifNotExists: true,
  skipProbe: true,
  ...OPEN_OPTIONS,
}

export const DROP_OPTIONS: OptionNames<DropTableOptions> = { ifExists: true, onProgress: true, ...OPEN_OPTIONS }

/** Of `tx.append` and `tx.overwrite`: their time begins with the commit, and a key of theirs could not tell. */
export const STAGE_OPTIONS: OptionNames<Omit<OverwriteOptions, 'timeoutMs'>> = {
  unknownColumns: true,
  signal: true,
  onProgress: true,
  sameKey: true,
}

export const OVERWRITE_OPTIONS: OptionNames<OverwriteOptions> = { ...STAGE_OPTIONS, timeoutMs: true }

export const APPEND_OPTIONS: OptionNames<AppendOptions> = {
  idempotencyKey: true,
  idempotencyKeys: true,
  ...OVERWRITE_OPTIONS,
}

export const APPEND_FILES_OPTIONS: OptionNames<AppendFilesOptions> = {
  unknownColumns: true,
  signal: true,
  timeoutMs: true,
}

export const SIGNAL_OPTIONS: OptionNames<Pick<OpenOptions, 'signal'>> = { signal: true }

/** Of `transaction` and `tx.commit`. */
export const COMMIT_OPTIONS: OptionNames<CommitTransactionOptions> = { signal: true, timeoutMs: true }

export const DELETE_OPTIONS: OptionNames<DeleteOptions> = { ...COMMIT_OPTIONS }

export const SET_TAG_OPTIONS: OptionNames<SetTagOptions> = { snapshotId: true, maxRefAgeMs: true }

export const FILES_OPTIONS: OptionNames<FilesOptions> = { asOf: true, signal: true }

/** Of the scan of a fixed state, which is not to be named again. */
export const STATE_SCAN_OPTIONS: OptionNames<Omit<TableScanOptions, 'asOf'>> = {
  select: true,
  where: true,
  limit: true,
  since: true,
  timestamps: true,
  json: true,
  concurrency: true,
  signal: true,
}

export const SCAN_OPTIONS: OptionNames<TableScanOptions> = { ...STATE_SCAN_OPTIONS, asOf: true }
