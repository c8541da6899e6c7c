/** What another engine finds in a table, held against what was acknowledged. */
import { startJudges, type EngineName } from '../../test/judges/judges.ts'
import type { S3Endpoint } from '../../test/support/minio.ts'

/** 120,000 files of one row each: minutes for an engine that opens them one by one. */
const ANSWER_TIMEOUT_MS = 1_800_000

export interface Tally {
  readonly rows: number
  readonly distinct: number
  /** Acknowledged, and not there. */
  readonly lost: number
  /** Rows too many of ids that are there. */
  readonly doubled: number
  /** Ids that nobody appended, or whose append was refused for certain. */
  readonly foreign: number
  /** Some of the ids that are wrong, for the message. */
  readonly examples: readonly number[]
}

export interface Verdict extends Tally {
  readonly judge: string
}

export interface Expected {
  /** Must be there, once each. */
  readonly acknowledged: ReadonlySet<number>
  /** May be there, once at most: no answer came. */
  readonly possible: ReadonlySet<number>
}

export function tally(ids: readonly number[], { acknowledged, possible }: Expected): Tally {
  const found = new Set(ids)
  const lost = [...acknowledged].filter((id) => !found.has(id))
  const foreign = [...found].filter((id) => !acknowledged.has(id) && !possible.has(id))
  const seen = new Set<number>()
  const doubled = ids.filter((id) => seen.size === seen.add(id).size)
  return {
    rows: ids.length,
    distinct: found.size,
    lost: lost.length,
    doubled: doubled.length,
    foreign: foreign.length,
    examples: [...lost, ...doubled, ...foreign].slice(0, 10),
  }
}

export function isClean({ lost, doubled, foreign }: Tally): boolean {
  return lost + doubled + foreign === 0
}

/** Asks each engine for the column of ids. At least one of them must be able to judge. */
export async function judgeIds(
  engines: readonly EngineName[],
  table: { readonly location: string; readonly s3?: S3Endpoint | undefined; readonly column?: string },
  expected: Expected,
): Promise<Verdict[]> {
  const judges = await startJudges(engines, { answerTimeoutMs: ANSWER_TIMEOUT_MS })
  const { location, s3, column = 'id' } = table
  try {
    if (judges.available.length === 0) throw new Error('no judge could run: nothing is proved')
    const verdicts: Verdict[] = []
    for (const judge of judges.available) {
      const rows = await judges.read(judge, { location, s3, columns: [column] })
      verdicts.push({
        judge,
        ...tally(
          rows.map((row) => row[column] as number),
          expected,
        ),
      })
    }
    return verdicts
  } finally {
    await judges.stop()
  }
}
