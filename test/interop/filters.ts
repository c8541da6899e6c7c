/** Filters asked in the language of each engine, so that it prunes by our partition values and bounds. */
import { compareBytes } from '../../src/spec/values.ts'
import type { CanonicalRow, CanonicalValue } from '../judges/canonical.ts'
import type { TestContext } from 'vitest'
import type { EngineName, Judges } from '../judges/judges.ts'
import { compare as compareAnswer, skipIfMissing, type Answer, type Gap, type JudgedPlace } from './ask.ts'
import { literal, type TypeName } from './literals.ts'

export interface Filter {
  readonly column: string
  readonly type: TypeName
  readonly op: '=' | '<' | '<=' | '>' | '>=' | '<>' | 'is null' | 'is not null'
  readonly value?: CanonicalValue
}

/** What each operator comes to on values that are there; nulls match `is null` only. */
const MATCHES: Readonly<Record<Filter['op'], (order: number) => boolean>> = {
  '=': (order) => order === 0,
  '<': (order) => order < 0,
  '<=': (order) => order <= 0,
  '>': (order) => order > 0,
  '>=': (order) => order >= 0,
  '<>': (order) => order !== 0,
  'is null': () => false,
  'is not null': () => true,
}

/** Numbers `n` of the rows that a filter lets through. */
export function matching(rows: readonly CanonicalRow[], { column, type, op, value }: Filter): number[] {
  return rows.flatMap((row) => {
    const found = row[column] ?? null
    const hit = found === null ? op === 'is null' : MATCHES[op](value === undefined ? 0 : compare(type, found, value))
    return hit ? [row['n'] as number] : []
  })
}

/** By the order of the type; a NaN is unlike everything, and above it. */
function compare(type: TypeName, one: CanonicalValue, other: CanonicalValue): number {
  const [a, b] = [keyOf(type, one), keyOf(type, other)]
  if (a instanceof Uint8Array && b instanceof Uint8Array) return compareBytes(a, b)
  if (Number.isNaN(a)) return 1
  return a < b ? -1 : Number(a > b)
}

function keyOf(type: TypeName, value: CanonicalValue): Uint8Array | bigint | number | string {
  const text = typeof value === 'object' && value !== null ? String(Object.values(value)[0]) : String(value)
  switch (type) {
    case 'boolean':
      return Number(value)
    case 'int':
    case 'float':
    case 'double':
      return Number(text)
    case 'long':
      return BigInt(text)
    case 'decimal_9':
    case 'decimal_18':
    case 'decimal_38':
      return BigInt(text.replace('.', ''))
    case 'string':
      return new TextEncoder().encode(text)
    case 'fixed':
    case 'binary':
      return Buffer.from(text, 'base64')
    default:
      return text
  }
}

/**
 * Asks all filters: of the engines that take queries in one question, since each costs Spark its time. Rows of filter number `q` and
 * row number `n`.
 */
export async function askFilters(
  judges: Judges,
  engine: EngineName,
  context: TestContext,
  place: JudgedPlace,
  { rows, filters, gap }: { rows: readonly CanonicalRow[]; filters: readonly Filter[]; gap: Gap | undefined },
): Promise<Answer> {
  skipIfMissing(judges, engine, context)
  const quote = QUOTES[engine]
  const asked = filters.flatMap((filter, q) => {
    const condition = spelled(engine, filter, quote)
    return condition === undefined ? [] : [{ q, condition, hits: matching(rows, filter).map((n) => ({ q, n })) }]
  })
  const where = { location: place.location, s3: place.s3 }
  const inOne = (): Promise<CanonicalRow[]> => {
    const parts = asked.map(({ q, condition }) => `SELECT ${q} AS q, n FROM {table} WHERE ${condition}`)
    return judges.read(engine, { ...where, sql: parts.join(' UNION ALL ') })
  }
  const oneByOne = async (): Promise<CanonicalRow[]> => {
    const answers = asked.map(async ({ q, condition }) => {
      const found = await judges.read(engine, { ...where, filter: condition, columns: ['n'] })
      return found.map((row) => ({ ...row, q }))
    })
    return (await Promise.all(answers)).flat()
  }
  const right = asked.flatMap(({ hits }) => hits)
  return compareAnswer(isSql(engine) ? inOne() : oneByOne(), right, gap)
}

/** Around column names. The pyiceberg and daft expressions that are asked here need none. */
const QUOTES: Readonly<Record<EngineName, string>> = {
  spark: '`',
  clickhouse: '`',
  duckdb: '"',
  polars: '"',
  pyiceberg: '',
  daft: '',
}

function isSql(engine: EngineName): boolean {
  return engine === 'spark' || engine === 'duckdb' || engine === 'clickhouse'
}

function spelled(engine: EngineName, filter: Filter, quote: string): string | undefined {
  const column = `${quote}${filter.column}${quote}`
  if (filter.value === undefined) return `${column} ${filter.op}`
  const value = literal(engine, filter.type, filter.value)
  return value === undefined ? undefined : `${column} ${filter.op} ${value}`
}
