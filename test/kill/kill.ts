/**
 * One table, writers that are killed, readers that watch, and the judgement at the end: every acknowledged row is there exactly once,
 * every keyed row exactly once after its retry, a row without key and answer at most once, a refused one never; versions have no gaps.
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Built } from '../../bench/support/built.ts'
import { loadLibrary } from '../../bench/support/in-child.ts'
import { s3OptionOf, type TablePlace } from '../../bench/support/places.ts'
import { isClean, tally, type Expected, type Verdict } from '../../bench/support/verdict.ts'
import type { Judges } from '../judges/judges.ts'
import { MAX_IDS, type Keys, type WriterJob } from './job.ts'
import { openIds, readJournals } from './journal.ts'
import { startReaders } from './readers.ts'
import { killWriters } from './slots.ts'

export interface KillOptions {
  readonly kills: number
  readonly slots: number
  readonly seed: number
  readonly keys: Keys
  readonly meanLifeMs: number
  /** The mean pause of a writer between two appends: what keeps the table small enough to be read over and over. */
  readonly pauseMs: number
  /** Where writers find the S3 server, if not where the judges do: a proxy. */
  readonly writersEndpoint?: string | undefined
}

export interface KillResult {
  readonly kills: number
  readonly acknowledged: number
  /** Appends that no answer came to: without keys for good, with keys before they were tried again. */
  readonly interrupted: number
  /** Of these, how many had been committed all the same. */
  readonly landed: number
  readonly refused: number
  readonly versions: number
  readonly reads: Readonly<Record<string, number>>
  /** See readers.ts. */
  readonly hintRaces: number
  readonly verdicts: readonly Verdict[]
  /** What went wrong; nothing, if it is empty. */
  readonly problems: readonly string[]
}

/** The id of the row that is appended last, by this process: its close raises the hint, which DuckDB trusts. */
const CLOSING_ID = 0

export async function runKills(
  built: Built,
  place: TablePlace,
  judges: Judges,
  options: KillOptions,
): Promise<KillResult> {
  const { createTable, schema, t } = await loadLibrary(built.library)
  const s3 = s3OptionOf(place)
  const columns = schema({ id: t.long, payload: t.string })
  await using table = await createTable(place.location, { schema: columns, ...(s3 && { s3 }) })
  const folder = join(built.directory, 'journals', `${Date.now()}`)
  await mkdir(folder, { recursive: true })
  const journals = Array.from({ length: options.slots }, (_, slot) => join(folder, `writer-${slot}`))
  const program = await built.program(join(import.meta.dirname, 'writer.ts'))
  const command = (slot: number, until: WriterJob['until']): string[] => {
    const endpoint = options.writersEndpoint ?? s3?.endpoint
    const job: WriterJob = {
      library: built.library,
      location: place.location,
      s3: s3 && { ...s3, endpoint },
      journal: journals[slot]!,
      keys: options.keys,
      firstId: 1 + slot * MAX_IDS,
      until,
      pauseMs: options.pauseMs,
    }
    return [process.execPath, program, JSON.stringify(job)]
  }

  const readers = startReaders(judges, { location: place.location, s3: place.s3, journals })
  let killed
  try {
    killed = await killWriters({ ...options, command })
  } finally {
    await readers.stop()
  }
  await table.append([{ id: BigInt(CLOSING_ID), payload: 'the last' }])
  await table.flush()
  const said = readJournals(journals)
  const open = openIds(said)
  const expected: Expected = {
    acknowledged: new Set([CLOSING_ID, ...said.acknowledged]),
    possible: new Set(options.keys === 'none' ? open : []),
  }
  const verdicts = await judgeAll(judges, place, expected)
  const own = (await table.scan({ select: ['id'] }).toArray()).map((row) => Number(row['id']))
  verdicts.push({ judge: 'datashard', ...tally(own, expected) })
  const gaps = await versionGaps(built.library, place, table.version)
  const unsettled = options.keys === 'none' ? 0 : open.length
  return {
    kills: killed.kills,
    acknowledged: said.acknowledged.size,
    interrupted: options.keys === 'none' ? open.length : said.replayed.size,
    landed: options.keys === 'none' ? own.filter((id) => expected.possible.has(id)).length : said.replayed.size,
    refused: said.refused.size,
    versions: table.version,
    reads: Object.fromEntries(readers.reads),
    hintRaces: readers.hintRaces(),
    verdicts,
    problems: [
      ...killed.problems,
      ...readers.problems,
      ...gaps,
      ...verdicts.filter((verdict) => !isClean(verdict)).map((verdict) => JSON.stringify(verdict)),
      ...(unsettled > 0 ? [`${unsettled} keyed appends were never settled`] : []),
    ],
  }
}

async function judgeAll(judges: Judges, { location, s3 }: TablePlace, expected: Expected): Promise<Verdict[]> {
  const verdicts: Verdict[] = []
  for (const judge of judges.available) {
    const rows = await judges.read(judge, { location, s3, columns: ['id'] })
    verdicts.push({
      judge,
      ...tally(
        rows.map((row) => row['id'] as number),
        expected,
      ),
    })
  }
  return verdicts
}

/** Old versions may be deleted, from the first on; what is left has no gap and ends with the head. */
async function versionGaps(library: string, place: TablePlace, head: number): Promise<string[]> {
  const { openStore } = await loadLibrary(library)
  const s3 = s3OptionOf(place)
  const { store, prefix } = openStore(place.location, s3 ? { s3 } : {})
  const versions: number[] = []
  try {
    for await (const { key } of store.list(`${prefix === '' ? '' : `${prefix}/`}metadata/v`)) {
      const version = /\/v(\d+)\.metadata\.json$/.exec(key)?.[1]
      if (version !== undefined) versions.push(Number(version))
    }
  } finally {
    store.close()
  }
  versions.sort((a, b) => a - b)
  const first = versions[0] ?? 0
  const gap = versions.findIndex((version, i) => version !== first + i)
  if (gap > 0) return [`after v${versions[gap - 1]} comes v${versions[gap]}`]
  return versions.at(-1) === head ? [] : [`the last version is v${versions.at(-1)}, and the head v${head}`]
}
