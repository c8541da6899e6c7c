/** `datashard log`: the snapshots of a table, newest first. */
import type { SnapshotView } from '../table/views.ts'
import type { CommandCall } from './command-spec.ts'
import { withTable } from './location.ts'
import { renderTable } from './output/table-text.ts'
import { formatCount } from './progress.ts'
import { jsonLine, terminalWidth, write } from './session.ts'

interface LogOptions {
  readonly limit?: number
}

const COLUMNS = [
  { header: 'snapshot', align: 'right' },
  { header: 'time (UTC)', align: 'left' },
  { header: 'operation', align: 'left' },
  { header: '+rows', align: 'right' },
  { header: '+files', align: 'right' },
  { header: 'folded', align: 'right' },
  { header: 'rows', align: 'right' },
  { header: 'who', align: 'left' },
  { header: 'names', align: 'left' },
] as const

export async function run({ session, args, options }: CommandCall<LogOptions>): Promise<void> {
  await withTable(session, args[0]!, async (table) => {
    const names = namesBySnapshot(table.metadata.refs)
    const shown = [...table.snapshots()].reverse().slice(0, options.limit)
    const { stdout } = session.io
    if (session.options.json === true) {
      for (const snapshot of shown) await write(stdout, `${jsonLine(toJson(snapshot, names))}\n`)
      return
    }
    if (shown.length === 0) return write(stdout, `${table.location} has no snapshot yet (version ${table.version})\n`)
    const rows = shown.map((snapshot) => toCells(snapshot, names))
    const hasNames = rows.some((row) => row[8] !== '')
    await write(stdout, renderTable(hasNames ? COLUMNS : COLUMNS.slice(0, 8), rows, terminalWidth(session)))
  })
}

type Names = ReadonlyMap<bigint, readonly string[]>

/** Tags and branches; `main` is where everything is and says nothing. */
function namesBySnapshot(refs: Readonly<Record<string, { readonly snapshotId: bigint }>>): Names {
  const names = new Map<bigint, string[]>()
  for (const [name, { snapshotId }] of Object.entries(refs)) {
    if (name !== 'main') names.set(snapshotId, [...(names.get(snapshotId) ?? []), name])
  }
  return names
}

function toCells(snapshot: SnapshotView, names: Names): string[] {
  const summary = snapshot.summary ?? {}
  const count = (name: string) => (summary[name] === undefined ? '' : formatCount(summary[name]))
  return [
    String(snapshot.snapshotId),
    snapshot.timestamp.toISOString().replace('T', ' ').replace('Z', ''),
    snapshot.operation ?? '',
    count('added-records'),
    count('added-data-files'),
    count('datashard.folded'),
    count('total-records'),
    who(summary),
    (names.get(snapshot.snapshotId) ?? []).join(', '),
  ]
}

/** The writer's name if it gave one, else the engine's. */
function who(summary: Readonly<Record<string, string>>): string {
  return summary['datashard.writer'] ?? summary['engine-name'] ?? summary['app-id'] ?? summary['spark.app.id'] ?? ''
}

function toJson(snapshot: SnapshotView, names: Names): Record<string, unknown> {
  const summary = snapshot.summary ?? {}
  const count = (name: string) => (summary[name] === undefined ? null : BigInt(summary[name]))
  return {
    // Always text: 64-bit ids would lose digits in most JSON readers.
    snapshotId: String(snapshot.snapshotId),
    parentId: snapshot.parentSnapshotId === undefined ? null : String(snapshot.parentSnapshotId),
    sequenceNumber: snapshot.sequenceNumber,
    time: snapshot.timestamp.toISOString(),
    operation: snapshot.operation ?? null,
    addedRows: count('added-records'),
    addedFiles: count('added-data-files'),
    totalRows: count('total-records'),
    totalFiles: count('total-data-files'),
    writer: who(summary) || null,
    names: names.get(snapshot.snapshotId) ?? [],
  }
}
