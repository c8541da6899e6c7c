/**
 * The demo: eight processes append real GitHub webhook deliveries to one table, all at once; one of them is killed half-way
 * and started again. Then the table is shown: what is there, who committed it, how it looked before, and how to open it.
 *
 * `npm run demo` uses a directory; `DATASHARD_DEMO_LOCATION=s3://bucket/prefix npm run demo` a bucket.
 */
import { fork } from 'node:child_process'
import { join } from 'node:path'
import { rm } from 'node:fs/promises'
import { createTable, DataShardError, dropTable } from 'datashard'
import { readDeliveries } from './deliveries.ts'
import { showTable } from './show.ts'
import { deliveries, demoLocation, partitionBy, WRITERS } from './table.ts'

// The AWS SDK announces on each start that it will ask for Node 22 in 2027; that is nobody's business here.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true'

const KILLED_WRITER = 3
const KILL_AFTER_APPENDS = 10

interface Message {
  readonly kind: 'started' | 'appended'
  readonly alreadyThere?: number
  readonly share?: number
  readonly byOther?: boolean
}

const location = demoLocation()
const expected = readDeliveries()

try {
  await startAfresh()
  console.log(`${WRITERS} processes append ${expected.length} webhook deliveries to ${location}, one append each ...`)
  const started = performance.now()
  const writers = await Promise.all(Array.from({ length: WRITERS }, (_, index) => runWriter(index)))
  const seconds = (performance.now() - started) / 1000
  console.log(`done in ${seconds.toFixed(1)} s\n`)
  const allThere = await showTable(location, expected, writers, seconds)
  process.exitCode = allThere ? 0 : 1
} catch (error) {
  console.error(DataShardError.is(error) ? `${error.code}: ${error.message}` : error)
  process.exitCode = 1
}

async function startAfresh(): Promise<void> {
  if (location.startsWith('s3://')) await dropTable(location, { ifExists: true })
  else await rm(location, { recursive: true, force: true })
  const table = await createTable(location, { schema: deliveries, partitionBy })
  await table.close()
}

export interface WriterReport {
  readonly name: string
  appended: number
  /** Appends that another writer's commit brought into the table. */
  byOthers: number
  killed: boolean
}

/** Runs one writer to its end; the chosen one is killed without warning in the middle and started again. */
async function runWriter(index: number): Promise<WriterReport> {
  const report: WriterReport = { name: `writer-${index}`, appended: 0, byOthers: 0, killed: false }
  for (;;) {
    const code = await runOnce(index, report)
    if (code === 0) return report
    if (code === 'SIGKILL' && index === KILLED_WRITER) {
      console.log(`  ${report.name} was killed after ${report.appended} appends, and is started again`)
      continue
    }
    throw new Error(`${report.name} ended with ${String(code)}`)
  }
}

function runOnce(index: number, report: WriterReport): Promise<number | string | null> {
  const child = fork(join(import.meta.dirname, 'writer.ts'), [String(index)], { execArgv: process.execArgv })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('message', (message: Message) => {
      if (message.kind === 'started' && report.killed) {
        console.log(
          `  ${report.name} finds ${message.alreadyThere} of its ${message.share} rows in the table and goes on`,
        )
      }
      if (message.kind !== 'appended') return
      report.appended += 1
      if (message.byOther) report.byOthers += 1
      if (index === KILLED_WRITER && !report.killed && report.appended >= KILL_AFTER_APPENDS) {
        report.killed = true
        child.kill('SIGKILL')
      }
    })
    child.on('exit', (code, signal) => resolve(signal ?? code))
  })
}
