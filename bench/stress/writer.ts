/** One process of the stress: appends its rows one by one, and tells when each append returned. */
import { jobOf, loadLibrary, nextWord, say, startWork } from '../support/in-child.ts'
import type { WriterJob, WriterReport } from './job.ts'

const PROGRESS_MS = 1_000

const job = jobOf<WriterJob>()
const { loadTable, openStore } = await loadLibrary(job.library)
const { store } = openStore(job.location, job.s3 ? { s3: job.s3 } : {})
const requests: Record<string, number> = {}
store.observe(({ verb }) => {
  requests[verb] = (requests[verb] ?? 0) + 1
})
const table = await loadTable(job.location, { store, writer: `stress from ${job.firstId}` })
await say({ ready: true })
await nextWord()

const work = startWork()
const endedMs: number[] = []
const tookMs: number[] = []
const versions = new Set<number>()
const failures: { id: number; error: string }[] = []
let attempts = 0
let next = 0
const progress = setInterval(() => void say({ done: endedMs.length }), PROGRESS_MS)

async function appendInTurn(): Promise<void> {
  while (next < job.operations) {
    const id = job.firstId + next++
    const startedMs = performance.now()
    try {
      const result = await table.append([{ id: BigInt(id), payload: `row ${id}` }], { timeoutMs: job.timeoutMs })
      versions.add(result.version)
      attempts += result.attempts
      tookMs.push(performance.now() - startedMs)
      endedMs.push(performance.timeOrigin + performance.now())
    } catch (error) {
      failures.push({ id, error: String(error) })
    }
  }
}

await Promise.all(Array.from({ length: job.concurrency }, appendInTurn))
clearInterval(progress)
await table.close()
store.close()
const report: WriterReport = { endedMs, tookMs, versions: [...versions], failures, attempts, requests, ...work() }
await say({ report })
process.exit(0)
