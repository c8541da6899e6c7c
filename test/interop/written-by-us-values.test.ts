import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTable, schema } from '../../src/index.ts'
import type { CanonicalRow } from '../judges/canonical.ts'
import { ENGINES, startJudges, type Judges } from '../judges/judges.ts'
import { ask, type Gap, type Gaps } from './ask.ts'
import { deep, EVERY_TYPE, nested, primitives, withoutNulls, type Rows, type TypeNames } from './every-type.ts'
import { newPlace, once, type PlaceKind } from './places.ts'

let judges: Judges
beforeAll(async () => {
  judges = await startJudges()
}, 120_000)
afterAll(() => judges.stop(), 30_000)

const ALL = Object.keys(EVERY_TYPE) as unknown as TypeNames
/** With gaps of their own, so that they are in tables of their own. */
const COMMON = ALL.filter((name) => name !== 'time' && name !== 'uuid')
const NO_TIME: Gaps = { spark: { refuses: /does not support time/ }, clickhouse: { refuses: /has no times/ } }

interface Values {
  readonly rows: Rows
  readonly gaps?: Gaps
  /** ClickHouse has no null in place of a list, map or struct: it shows empty ones. */
  readonly nested?: boolean
}

const VALUES: Readonly<Record<string, Values>> = {
  'every type': { rows: primitives('plain', [...COMMON, 'uuid']) },
  'extremes of every type': { rows: primitives('extreme', [...COMMON, 'uuid']) },
  'every type, nested': { rows: nested(COMMON), nested: true },
  time: { rows: primitives('plain', ['time']), gaps: NO_TIME },
  'extremes of time': { rows: primitives('extreme', ['time']), gaps: NO_TIME },
  'time, nested': { rows: nested(['time']), gaps: NO_TIME },
  'uuid, nested': { rows: nested(['uuid']), nested: true, gaps: { daft: { refuses: /ArrowNotImplementedError/ } } },
  'structs in lists in maps in structs in lists': {
    rows: deep(),
    nested: true,
    gaps: { pyiceberg: { shows: (row) => (row['deep'] === null ? { ...row, deep: [] } : row) } },
  },
}

const write = once(async (key: `${PlaceKind} ${string}`) => {
  const [kind, name] = [key.slice(0, key.indexOf(' ')) as PlaceKind, key.slice(key.indexOf(' ') + 1)]
  const { columns, input } = VALUES[name]!.rows
  const place = await newPlace(kind)
  await using table = await createTable(place.location, { schema: schema(columns), skipProbe: true, ...place.options })
  await table.append(input)
  return place
})

function gapsOf({ rows, gaps = {}, nested: hasNested }: Values): Gaps {
  if (hasNested !== true) return gaps
  const { fields } = schema(rows.columns).schema
  const shows = (row: CanonicalRow): CanonicalRow =>
    Object.fromEntries(fields.map((field) => [field.name, withoutNulls(row[field.name] ?? null, field.type)]))
  return { clickhouse: { shows } satisfies Gap, ...gaps }
}

describe.each(ENGINES)('written by us > %s', (engine) => {
  test.for(Object.keys(VALUES))('%s, in a directory', { timeout: 120_000 }, async (name, context) => {
    const values = VALUES[name]!
    const question = { rows: values.rows.expected, gaps: gapsOf(values) }
    const { given, right } = await ask(judges, engine, context, await write(`directory ${name}`), question)
    expect(given).toEqual(right)
  })

  test.for(['every type', 'every type, nested'])('%s, in a bucket', { timeout: 120_000 }, async (name, context) => {
    const values = VALUES[name]!
    const question = { rows: values.rows.expected, gaps: gapsOf(values) }
    const { given, right } = await ask(judges, engine, context, await write(`bucket ${name}`), question)
    expect(given).toEqual(right)
  })
})
