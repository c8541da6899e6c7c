/** Engines that read the table over and over while its writers die: each read must succeed and be free of doubles and strangers. */
import { setTimeout as sleep } from 'node:timers/promises'
import { tally } from '../../bench/support/verdict.ts'
import type { EngineName, Judges } from '../judges/judges.ts'
import type { S3Endpoint } from '../support/minio.ts'
import { readJournals } from './journal.ts'

/** Readers leave the machine to the writers half of the time at least. */
const MIN_PAUSE_MS = 500
const MAX_PROBLEMS = 10
/**
 * DuckDB reads the hint on S3 by two requests, and gives up when it was written in between: the table is whole, and DuckDB's own advice is to
 * ask again. So often in a row, and it is a problem all the same.
 */
const HINT_CHANGED = /ETag on reading file .*version-hint\.text/
const MAX_HINT_RACES = 5

export interface Readers {
  /** Reads of each engine so far. */
  readonly reads: ReadonlyMap<EngineName, number>
  /** Reads that DuckDB gave up because the hint was written while it read it, and that were made again. */
  readonly hintRaces: () => number
  readonly problems: readonly string[]
  /** Ends after the reads that are under way. */
  stop(): Promise<void>
}

export interface Watched {
  readonly location: string
  readonly s3: S3Endpoint | undefined
  readonly journals: readonly string[]
}

export function startReaders(judges: Judges, watched: Watched): Readers {
  const reads = new Map<EngineName, number>()
  const problems: string[] = []
  const stopping = new AbortController()
  let hintRaces = 0

  async function readOn(engine: EngineName): Promise<void> {
    let inRow = 0
    while (!stopping.signal.aborted && problems.length < MAX_PROBLEMS) {
      const startedMs = performance.now()
      try {
        const problem = await readOnce(judges, engine, watched)
        inRow = 0
        reads.set(engine, (reads.get(engine) ?? 0) + 1)
        if (problem !== undefined) problems.push(problem)
      } catch (error) {
        if (HINT_CHANGED.test(String(error)) && ++inRow <= MAX_HINT_RACES) {
          hintRaces += 1
          continue
        }
        problems.push(`${engine} could not read: ${String(error)}`)
      }
      const pauseMs = Math.max(MIN_PAUSE_MS, performance.now() - startedMs)
      await sleep(pauseMs, undefined, { signal: stopping.signal }).catch(() => undefined)
    }
  }

  const running = Promise.all(judges.available.map(readOn))
  return {
    reads,
    hintRaces: () => hintRaces,
    problems,
    stop: async () => {
      stopping.abort()
      await running
    },
  }
}

async function readOnce(judges: Judges, engine: EngineName, watched: Watched): Promise<string | undefined> {
  const { location, s3, journals } = watched
  const before = readJournals(journals)
  const rows = await judges.read(engine, { location, s3, columns: ['id'] })
  const ids = rows.map((row) => row['id'] as number)
  // DuckDB reads the version that the hint names, which a killed writer may not have moved; pyiceberg's judge looks for newer ones.
  const acknowledged = engine === 'pyiceberg' ? before.acknowledged : new Set<number>()
  const { lost, doubled, foreign, examples } = tally(ids, { acknowledged, possible: readJournals(journals).intended })
  if (lost + doubled + foreign === 0) return undefined
  return `${engine} saw ${lost} lost, ${doubled} doubled, ${foreign} foreign rows: ${examples.join(', ')}`
}
