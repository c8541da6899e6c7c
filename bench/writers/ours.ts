/** Writers of ours: tasks of one process, each with a table and a store of its own. */
import { jobOf, loadLibrary, nextWord, say } from '../support/in-child.ts'
import type { ClientJob } from './job.ts'
import { measureAppends } from './measure.ts'

const job = jobOf<ClientJob>()
const { createTable, loadTable, schema, t } = await loadLibrary(job.library)

if (job.action === 'create') {
  const table = await createTable(job.location, { schema: schema({ a: t.long, b: t.long }), skipProbe: true })
  await table.close()
  await say({ created: true })
  process.exit(0)
}

const tables = await Promise.all(
  Array.from({ length: job.writers }, async (_, i) => ({
    a: BigInt(job.firstWriter + i),
    table: await loadTable(job.location),
  })),
)
const options = { timeoutMs: 600_000 }
await Promise.all(
  tables.map(async ({ a, table }) => {
    for (let i = 1; i <= job.warm; i++) await table.append([{ a, b: BigInt(-i) }], options)
    await table.flush()
  }),
)
await say({ ready: true })
await nextWord()

const report = await measureAppends(tables, job.appends, ({ a, table }, b) => table.append([{ a, b }], options))
await say({ report })
await Promise.all(tables.map(({ table }) => table.close()))
process.exit(0)
