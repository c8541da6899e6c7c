/** A nightly batch job on a bucket that everybody writes to: its shares run as processes, and a share that failed is simply run again. */
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { createTable, eq, loadTable, schema, t } from 'datashard'

const SHARES = 3
const DAY = '2026-11-25'
const [location = './batch-job-table', share] = process.argv.slice(2)

if (share === undefined) await schedule()
else await work(Number(share))

/** What the scheduler does: a process for each share, and another one for each that did not end well. */
async function schedule(): Promise<void> {
  const design = schema({ day: t.date, store: t.int, revenue: t.decimal(12, 2) })
  await (await createTable(location, { schema: design, ifNotExists: true })).close()
  const run = (index: number, env = process.env) =>
    new Promise<number>((resolve) => {
      const child = fork(fileURLToPath(import.meta.url), [location, String(index)], { env })
      child.once('exit', (code) => resolve(code ?? 1))
    })
  const codes = await Promise.all(
    Array.from({ length: SHARES }, (_, index) =>
      run(index, index === 1 ? { ...process.env, DIE: 'after-append' } : undefined),
    ),
  )
  for (const [index, code] of codes.entries()) {
    if (code === 0) continue
    console.log(`share ${index} failed and is run again`)
    await run(index)
  }
  await using table = await loadTable(location)
  const rows = await table.scan({ where: eq('day', DAY) }).toArray()
  const cents = rows.reduce((sum, row) => sum + Number(row['revenue']) * 100, 0)
  console.log(`${rows.length} stores, ${(cents / 100).toFixed(2)} in all`)
}

/** One share. The key names what it computes, so that it can be run as often as need be. */
async function work(index: number): Promise<void> {
  await using table = await loadTable(location)
  const stores = Array.from({ length: 100 }, (_, store) => store).filter((store) => store % SHARES === index)
  const rows = stores.map((store) => ({ day: DAY, store, revenue: `${store}.50` }))
  await table.append(rows, { idempotencyKey: `revenue/${DAY}/${index}` })
  // As if the machine went away between the commit and the scheduler's hearing of it.
  if (process.env['DIE'] === 'after-append') process.kill(process.pid, 'SIGKILL')
}
