/** The summary of a snapshot that removes files (spec, appendix F: "Optional Snapshot Summary Fields"). */
import type { DataFile } from '../spec/data-file.ts'
import type { Snapshot } from '../spec/snapshot.ts'
import { partitionKey } from './summary.ts'

/** What removed files come to, without the files: there may be a million of them. */
export interface RemovedFiles {
  readonly files: number
  readonly records: bigint
  readonly bytes: bigint
  /** Names of their partitions, as {@link partitionKey} makes them. */
  readonly partitions: ReadonlySet<string>
}

/** What some data files come to. */
export function tallyFiles(files: readonly DataFile[]): RemovedFiles {
  return {
    files: files.length,
    records: files.reduce((sum, file) => sum + file.recordCount, 0n),
    bytes: files.reduce((sum, file) => sum + file.fileSizeBytes, 0n),
    partitions: new Set(files.map((file) => partitionKey(file))),
  }
}

/** The sum of several. */
export function tallyAll(parts: readonly RemovedFiles[]): RemovedFiles {
  const partitions = new Set<string>()
  let [files, records, bytes] = [0, 0n, 0n]
  for (const part of parts) {
    files += part.files
    records += part.records
    bytes += part.bytes
    for (const name of part.partitions) partitions.add(name)
  }
  return { files, records, bytes, partitions }
}

/**
 * The operation is what the spec calls a snapshot of such changes: `append` if no file is removed, `delete` if none is
 * added, else `overwrite`. Counts of zero are left out, as other engines do; so is a total whose predecessor is unknown.
 */
export function replaceSummary(
  added: RemovedFiles,
  removed: RemovedFiles,
  parent: Snapshot | undefined,
  extra: Readonly<Record<string, string>>,
): Record<string, string> {
  const total = (name: string, change: bigint): Record<string, string> => {
    const before = parent ? parent.summary?.[name] : '0'
    if (before === undefined || !/^\d+$/.test(before) || BigInt(before) + change < 0n) return {}
    return { [name]: String(BigInt(before) + change) }
  }
  return {
    operation: removed.files === 0 ? 'append' : added.files === 0 ? 'delete' : 'overwrite',
    ...counts('added-data-files', 'added-records', 'added-files-size', added),
    ...counts('deleted-data-files', 'deleted-records', 'removed-files-size', removed),
    'changed-partition-count': String(new Set([...added.partitions, ...removed.partitions]).size),
    ...total('total-records', added.records - removed.records),
    ...total('total-files-size', added.bytes - removed.bytes),
    ...total('total-data-files', BigInt(added.files - removed.files)),
    ...total('total-delete-files', 0n),
    ...total('total-position-deletes', 0n),
    ...total('total-equality-deletes', 0n),
    ...extra,
  }
}

function counts(files: string, records: string, bytes: string, of: RemovedFiles): Record<string, string> {
  if (of.files === 0) return {}
  return { [files]: String(of.files), [records]: String(of.records), [bytes]: String(of.bytes) }
}
