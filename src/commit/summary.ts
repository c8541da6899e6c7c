/** The summary of a snapshot (spec, appendix F: "Optional Snapshot Summary Fields"); all values are strings. */
import type { DataFile } from '../spec/data-file.ts'
import type { Snapshot } from '../spec/snapshot.ts'

/** `changed-partition-count` and the totals that can be computed: a total whose predecessor is unknown is left out. */
export function appendSummary(
  files: readonly DataFile[],
  parent: Snapshot | undefined,
  extra: Readonly<Record<string, string>>,
): Record<string, string> {
  const records = files.reduce((sum, file) => sum + file.recordCount, 0n)
  const bytes = files.reduce((sum, file) => sum + file.fileSizeBytes, 0n)
  const partitions = new Set(files.map((file) => partitionKey(file)))
  const total = (name: string, added: bigint): Record<string, string> => {
    const before = parent ? parent.summary?.[name] : '0'
    return before !== undefined && /^\d+$/.test(before) ? { [name]: String(BigInt(before) + added) } : {}
  }
  return {
    operation: 'append',
    'added-data-files': String(files.length),
    'added-records': String(records),
    'added-files-size': String(bytes),
    'changed-partition-count': String(partitions.size),
    ...total('total-records', records),
    ...total('total-files-size', bytes),
    ...total('total-data-files', BigInt(files.length)),
    ...total('total-delete-files', 0n),
    ...total('total-position-deletes', 0n),
    ...total('total-equality-deletes', 0n),
    ...extra,
  }
}

/** Equal for files of one partition of one spec. */
export function partitionKey(file: DataFile): string {
  const values = file.partition.map((value) =>
    value instanceof Uint8Array ? `0x${Buffer.from(value).toString('hex')}` : `${typeof value}:${String(value)}`,
  )
  return JSON.stringify([file.specId, values])
}
