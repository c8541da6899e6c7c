/** Writers of ours: tasks of one process, each with a table and a store of its own. */
import { jobOf, loadLibrary, nextWord, say, startWork } from '../support/in-child.ts'
import type { ClientJob, ClientReport } from './job.ts'

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

const work = startWork()
const times: number[] = []
let failed = 0
let failure: string | undefined
await Promise.all(
  tables.map(async ({ a, table }) => {
    for (let i = 0; i < job.appends; i++) {
      const startedMs = performance.now()
      try {
        await table.append([{ a, b: BigInt(i) }], options)
        times.push(performance.now() - startedMs)
      } catch (error) {
        failed += 1
        failure ??= String(error)
      }
    }
  }),
)
const report: ClientReport = { times, failed, failure, ...work() }
await say({ report })
await Promise.all(tables.map(({ table }) => table.close()))
process.exit(0)
