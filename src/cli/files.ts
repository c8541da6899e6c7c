/** `datashard files`: the data files of the newest or an earlier state. */
import type { DataFile } from '../spec/data-file.ts'
import { specById } from '../spec/metadata.ts'
import { partitionPath } from '../spec/partition-path.ts'
import type { Table } from '../table/table.ts'
import { type AsOfOptions, asOfOption } from './as-of.ts'
import type { CommandCall } from './command-spec.ts'
import { withTable } from './location.ts'
import { renderTable } from './output/table-text.ts'
import { countOf, formatBytes, formatCount } from './progress.ts'
import { jsonLine, note, terminalWidth, write } from './session.ts'

const COLUMNS = [
  { header: 'rows', align: 'right' },
  { header: 'size', align: 'right' },
  { header: 'partition', align: 'left' },
  { header: 'file', align: 'left' },
] as const

export async function run({ session, args, options }: CommandCall<AsOfOptions>): Promise<void> {
  const asOf = asOfOption(options)
  await withTable(session, args[0]!, async (table) => {
    const { stdout } = session.io
    const files = table.files({ ...(asOf !== undefined && { asOf }), signal: session.signal })
    if (session.options.json === true) {
      for await (const file of files) await write(stdout, `${jsonLine(toJson(table, file))}\n`)
      return
    }
    const rows: string[][] = []
    let records = 0n
    let bytes = 0n
    for await (const file of files) {
      records += file.recordCount
      bytes += file.fileSizeBytes
      const name = file.path.startsWith(`${table.location}/`) ? file.path.slice(table.location.length + 1) : file.path
      rows.push([formatCount(file.recordCount), formatBytes(file.fileSizeBytes), partitionOf(table, file), name])
    }
    const partitioned = rows.some((row) => row[2] !== '')
    const columns = partitioned ? COLUMNS : COLUMNS.filter((column) => column.header !== 'partition')
    const cells = partitioned ? rows : rows.map((row) => [row[0]!, row[1]!, row[3]!])
    if (rows.length > 0) await write(stdout, renderTable(columns, cells, terminalWidth(session)))
    note(session, `${countOf(rows.length, 'file')}, ${countOf(records, 'row')}, ${formatBytes(bytes)}`)
  })
}

function partitionOf({ metadata, schema }: Table, file: DataFile): string {
  const spec = specById(metadata, file.specId)
  return spec === undefined ? `spec ${file.specId}` : partitionPath(spec, schema, file.partition)
}

function toJson(table: Table, file: DataFile): Record<string, unknown> {
  return {
    path: file.path,
    rows: file.recordCount,
    bytes: file.fileSizeBytes,
    format: file.format,
    content: file.content,
    specId: file.specId,
    partition: partitionOf(table, file),
  }
}
