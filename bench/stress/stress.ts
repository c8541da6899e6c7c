/**
 * The headline test: processes that append single rows to one table, each append awaited before the next; afterwards another engine
 * counts the rows. Lost: acknowledged and not there. Doubled: there more than once.
 */
import { join } from 'node:path'
import type { EngineName } from '../../test/judges/judges.ts'
import { loadLibrary } from '../support/in-child.ts'
import type { Built } from '../support/built.ts'
import { startChild, type Child } from '../support/children.ts'
import { s3OptionOf, type TablePlace } from '../support/places.ts'
import { measureObjects, type TableObjects } from '../support/table-objects.ts'
import { judgeIds, type Expected, type Verdict } from '../support/verdict.ts'
import type { WriterJob, WriterReport } from './job.ts'

const READY_TIMEOUT_MS = 120_000
/** A writer tells how far it is every second; after so long a silence it hangs. */
const SILENCE_MS = 120_000

export interface StressOptions {
  readonly processes: number
  /** Per process. */
  readonly operations: number
  readonly concurrency: number
  /** Per append. */
  readonly timeoutMs: number
  readonly judges: readonly EngineName[]
  readonly onProgress?: (done: number, total: number) => void
}

export interface StressResult {
  readonly place: string
  readonly reports: readonly WriterReport[]
  readonly startedMs: number
  /** Versions made by the appends. */
  readonly versions: number
  readonly objects: TableObjects
  readonly verdicts: readonly Verdict[]
}

export async function runStress(built: Built, place: TablePlace, options: StressOptions): Promise<StressResult> {
  const { createTable, loadTable, schema, t } = await loadLibrary(built.library)
  const { location } = place
  const s3 = s3OptionOf(place)
  const opened = s3 ? { s3 } : {}
  await using created = await createTable(location, { schema: schema({ id: t.long, payload: t.string }), ...opened })
  const first = created.version
  const program = await built.program(join(import.meta.dirname, 'writer.ts'))
  const { processes, operations, concurrency, timeoutMs } = options
  const jobs = Array.from({ length: processes }, (_, i): WriterJob => {
    const firstId = i * operations
    return { library: built.library, location, s3, firstId, operations, concurrency, timeoutMs }
  })
  const writers = jobs.map((job) => startChild([process.execPath, program, JSON.stringify(job)]))
  try {
    // Everybody at once: else the first would have the table to itself.
    await Promise.all(writers.map((writer) => writer.next(READY_TIMEOUT_MS)))
    const startedMs = Date.now()
    for (const writer of writers) writer.send('go')
    const reports = await follow(writers, options)
    await using table = await loadTable(location, opened)
    const verdicts = await judgeIds(options.judges, place, expectedOf(reports, options))
    const objects = await measureObjects(built.library, place, table.version)
    return { place: place.name, reports, startedMs, versions: table.version - first, objects, verdicts }
  } finally {
    for (const writer of writers) writer.kill()
    await Promise.all(writers.map((writer) => writer.exited))
  }
}

async function follow(writers: readonly Child[], options: StressOptions): Promise<WriterReport[]> {
  const done = writers.map(() => 0)
  const total = options.processes * options.operations
  return Promise.all(
    writers.map(async (writer, i) => {
      for (;;) {
        const said = await writer.next<{ done?: number; report?: WriterReport }>(SILENCE_MS)
        if (said.report) return said.report
        done[i] = said.done ?? 0
        options.onProgress?.(
          done.reduce((sum, one) => sum + one, 0),
          total,
        )
      }
    }),
  )
}

/** An append that failed may be there or not, once: whether it is, nobody was told. */
function expectedOf(reports: readonly WriterReport[], { processes, operations }: StressOptions): Expected {
  const possible = new Set(reports.flatMap((report) => report.failures.map((failure) => failure.id)))
  const ids = Array.from({ length: processes * operations }, (_, id) => id)
  return { acknowledged: new Set(ids.filter((id) => !possible.has(id))), possible }
}
