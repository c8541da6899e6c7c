/** What the demo shows of the finished table, for a person to read. */
import { resolve } from 'node:path'
import { and, isNull, loadTable, not, startsWith } from 'datashard'
import type { Delivery } from './deliveries.ts'
import type { WriterReport } from './main.ts'

/** Prints the table; false if a row is missing or double. */
export async function showTable(
  location: string,
  expected: readonly Delivery[],
  writers: readonly WriterReport[],
  seconds: number,
): Promise<boolean> {
  await using table = await loadTable(location)
  const rows = await table.scan({ select: ['id', 'event', 'payload'] }).toArray()
  const payloads = new Map(rows.map((row) => [row['id'] as number, row['payload'] as string]))
  const intact = expected.every((delivery) => payloads.get(delivery.id) === delivery.payload)
  const complete = rows.length === expected.length && payloads.size === expected.length && intact

  heading('What is there')
  line('rows expected', expected.length)
  line('rows in the table', `${rows.length} ${complete ? '(each exactly once, each payload as it came)' : '(WRONG)'}`)
  line(
    'commits',
    `${table.snapshots().length} for ${expected.length} appends: writers that met shared them; ${(expected.length / seconds).toFixed(1)} appends per second`,
  )

  heading('Who committed what')
  const commits = countBy(table.snapshots(), (snapshot) => snapshot.summary?.['datashard.writer'] ?? '?')
  for (const writer of writers) {
    const own = commits.get(writer.name) ?? 0
    const note = writer.killed ? '  killed and started again' : ''
    line(
      writer.name,
      `${pad(writer.appended)} appends, ${pad(writer.byOthers)} of them taken along by others; ${pad(own)} commits${note}`,
    )
  }

  heading('A query: select event, count(*) group by event, the five most frequent')
  for (const [event, count] of [...countBy(rows, (row) => row['event'] as string)].toSorted(byCount).slice(0, 5)) {
    line(event, pad(count))
  }

  heading("Another: where event starts with 'pull_request' and repository is not null")
  const where = and(startsWith('event', 'pull_request'), not(isNull('repository')))
  const plan = await table.scan({ where }).plan()
  line('rows', await table.scan({ where }).count())
  line('files read', `${plan.tasks.length} of ${plan.stats.filesTotal}`)

  heading('The table as it was half-way')
  const half = table.snapshots()[Math.floor(table.snapshots().length / 2)]
  if (half) {
    line('snapshot', `${half.snapshotId} of ${half.timestamp.toISOString()}`)
    line('rows then', await table.timeTravel({ snapshotId: half.snapshotId }).scan().count())
  }

  heading('Open it elsewhere')
  openingLines(location, table.version)
  return complete
}

function openingLines(location: string, version: number): void {
  const root = location.startsWith('s3://') ? location : resolve(location)
  const file = `${root}/metadata/v${version}.metadata.json`
  console.log(`  npx datashard scan ${root} --select id,event,action --limit 5`)
  console.log(
    `  duckdb     INSTALL iceberg; LOAD iceberg; SELECT event, count(*) FROM iceberg_scan('${root}') GROUP BY ALL;`,
  )
  console.log(`  python     from pyiceberg.table import StaticTable`)
  console.log(`             StaticTable.from_metadata('${file}').scan().to_pandas()`)
}

function heading(text: string): void {
  console.log(`\n${text}`)
}

function line(name: string, value: string | number | bigint): void {
  console.log(`  ${name.padEnd(24)}${value}`)
}

function pad(value: number): string {
  return String(value).padStart(4)
}

function countBy<V>(values: Iterable<V>, key: (value: V) => string): Map<string, number> {
  const counts = new Map<string, number>()
  for (const value of values) counts.set(key(value), (counts.get(key(value)) ?? 0) + 1)
  return counts
}

function byCount(one: readonly [string, number], other: readonly [string, number]): number {
  return other[1] - one[1] || one[0].localeCompare(other[0])
}
