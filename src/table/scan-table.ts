/** From a table's state and a user's wishes to a scan. */
import { takeSignal } from '../runtime.ts'
import type { TableMetadata } from '../spec/metadata.ts'
import type { Scan, ScanOptions } from '../scan/scan.ts'
import { createScan } from '../scan/scan.ts'
import type { TableFiles } from '../store/table-files.ts'
import type { AsOf } from './as-of.ts'
import { resolveAsOf } from './as-of.ts'

export interface TableScanOptions extends Omit<ScanOptions, 'since'> {
  /** An earlier state: `{ snapshotId }`, `{ timestamp }` or `{ ref }`. Default: the newest. */
  readonly asOf?: AsOf | undefined
  /** Only rows that were appended after this state. */
  readonly since?: AsOf | undefined
}

export function scanTable(
  files: TableFiles,
  metadata: TableMetadata,
  options: TableScanOptions,
  location: string,
): Scan<Record<string, unknown>> {
  takeSignal(options.signal)
  const { asOf, since, ...wishes } = options
  const { snapshot, schema } = resolveAsOf(metadata, asOf, location)
  const from = since === undefined ? undefined : resolveAsOf(metadata, since, location).snapshot
  return createScan({
    files,
    metadata,
    snapshot,
    schema,
    options: { ...wishes, ...(from && { since: from }) },
  })
}
