/**
 * A process of a test: appends `count` times to a table, each time `rows` rows (1), and tells the version of each. Its arguments are JSON:
 * location, first id, count, rows, and how to reach S3.
 */
import { loadTable } from '../../src/table/load.ts'
import { person } from './tables.ts'

interface Job {
  readonly location: string
  readonly firstId: number
  readonly count: number
  readonly rows?: number
  readonly s3?: Parameters<typeof loadTable>[1] extends infer O ? (O extends { s3?: infer S } ? S : never) : never
}

const job = JSON.parse(process.argv[2]!) as Job
const table = await loadTable(job.location, { ...(job.s3 && { s3: job.s3 }), writer: `from ${job.firstId}` })
const perAppend = job.rows ?? 1
for (let i = 0; i < job.count; i++) {
  const rows = Array.from({ length: perAppend }, (_, row) => person(job.firstId + i * perAppend + row))
  const { version, attempts } = await table.append(rows, { timeoutMs: 600_000 })
  process.send?.({ version, attempts })
}
await table.close()
process.disconnect?.()
