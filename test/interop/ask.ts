/** Asking engines for tables that we wrote, and saying where an engine, in its pinned version, is no judge. */
import type { TestContext } from 'vitest'
import { sortRows, type CanonicalRow, type CanonicalValue } from '../judges/canonical.ts'
import type { EngineName, JudgeRequest, Judges } from '../judges/judges.ts'
import type { Place } from './places.ts'

/**
 * What an engine does instead of answering right: it fails, changes rows, or leaves some out. Each is asserted as it is, so that a test
 * fails when its engine has been repaired.
 */
export type Gap = { readonly refuses: RegExp } | { readonly shows: (row: CanonicalRow) => CanonicalRow } | 'loses rows'
export type Gaps = Readonly<Partial<Record<EngineName, Gap>>>

/** One question with its right answer. */
export interface Question extends Omit<JudgeRequest, 'location' | 's3'> {
  readonly rows: readonly CanonicalRow[]
  readonly gaps?: Gaps | undefined
}

/** To be compared by `toEqual`: rows in one order, or what is to be said about an error or missing rows. */
export interface Answer {
  readonly given: unknown
  readonly right: unknown
}

/** Asks one engine; skips the test, visibly, when the engine is not there. */
export async function ask(
  judges: Judges,
  engine: EngineName,
  context: TestContext,
  place: JudgedPlace,
  { rows, gaps, ...question }: Question,
): Promise<Answer> {
  skipIfMissing(judges, engine, context)
  const answered = judges.read(engine, { location: place.location, s3: place.s3, ...question })
  return compare(answered, rows, gaps?.[engine])
}

export type JudgedPlace = Pick<Place, 'location' | 's3'>

export function skipIfMissing(judges: Judges, engine: EngineName, context: TestContext): void {
  const why = judges.missing.get(engine)
  if (why !== undefined) context.skip(`${engine} is missing: ${why}`)
}

/** An engine's rows beside the right ones, or beside what its gap makes of them. */
export async function compare(
  answered: Promise<readonly CanonicalRow[]>,
  rows: readonly CanonicalRow[],
  gap: Gap | undefined,
): Promise<Answer> {
  if (gap === undefined) return { given: normal(await answered), right: normal(rows) }
  if (gap === 'loses rows') return lost(await answered, rows)
  if ('shows' in gap) return { given: normal(await answered), right: normal(rows.map(gap.shows)) }
  const expected = `refuses: ${gap.refuses.source}`
  const given = await answered.then(normal, (error: Error) =>
    gap.refuses.test(error.message) ? expected : error.message,
  )
  return { given, right: expected }
}

function lost(answer: readonly CanonicalRow[], rows: readonly CanonicalRow[]): Answer {
  const all = new Set(normal(rows).map((row) => JSON.stringify(row)))
  const wrong = normal(answer).filter((row) => !all.has(JSON.stringify(row)))
  return { given: { wrong, losesRows: answer.length < rows.length }, right: { wrong: [], losesRows: true } }
}

/** Sorted, entries of maps and columns too: judges sort them as Python writes them. */
function normal(rows: readonly CanonicalRow[]): CanonicalRow[] {
  return sortRows(rows.map((row) => sortMaps(row) as CanonicalRow))
}

function sortMaps(value: CanonicalValue): CanonicalValue {
  if (typeof value !== 'object' || value === null) return value
  if (isList(value)) return value.map(sortMaps)
  const entries = Object.entries(value)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, inner]): [string, CanonicalValue] => [name, sortMaps(inner)])
  const sorted = Object.fromEntries(entries)
  const map = entries.length === 1 ? sorted['map'] : undefined
  if (map === undefined || map === null || !isList(map)) return sorted
  const keyed = map.map((entry) => [JSON.stringify(entry), entry] as const)
  return { map: keyed.toSorted(([a], [b]) => (a < b ? -1 : Number(a > b))).map(([, entry]) => entry) }
}

function isList(value: CanonicalValue): value is readonly CanonicalValue[] {
  return Array.isArray(value)
}
