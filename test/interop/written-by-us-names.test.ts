import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bucket, createTable, identity, schema, t } from '../../src/index.ts'
import type { CanonicalRow } from '../judges/canonical.ts'
import { ENGINES, startJudges, type Judges } from '../judges/judges.ts'
import { ask, type Gaps } from './ask.ts'
import { newPlace, once, type PlaceKind } from './places.ts'

let judges: Judges
beforeAll(async () => {
  judges = await startJudges()
}, 120_000)
afterAll(() => judges.stop(), 30_000)

/** Column names, and what engines make of a table with such a column. */
const NAMES: Readonly<Record<string, { readonly names: readonly string[]; readonly gaps?: Gaps }>> = {
  dots: { names: ['a.b', '.', 'a..b', 'c.', '.d'] },
  blanks: { names: ['with blank', ' ', ' leading', 'trailing ', 'tab\there'] },
  'double quotes': { names: ['say "hi"', '"'] },
  'single quotes': { names: ["it's", "'"] },
  backticks: { names: ['`', 'a`b'] },
  'back slashes': { names: ['a\\b', '\\'] },
  unicode: { names: ['grün', '日本語', '😀', 'e\u0301', 'é'] },
  keywords: {
    names: ['select', 'from', 'order', 'null', 'true', 'table', 'element', 'key', 'value', 'list'],
    gaps: { clickhouse: { refuses: /element name 'null' is reserved/ } },
  },
  'upper and lower case': { names: ['Upper', 'lower', 'camelCase'] },
  'names that differ in case': {
    names: ['case', 'Case', 'CASE'],
    gaps: { duckdb: { shows: caseless } },
  },
  'a dot beside a struct': { names: ['nested.x'] },
  punctuation: {
    names: ['a/b', '50%', 'a#b', 'a?b', 'a=b', 'a&b', 'a,b', 'a;b', 'a:b', '(a)', '[a]', '{a}', '*', '-', '+'],
  },
  digits: { names: ['1', '2nd', '0x1'] },
  'a long name': { names: ['n'.repeat(300)] },
}

/** DuckDB gives columns whose names differ in case other names, and takes fields of structs for the first of them. */
function caseless({ case: first, Case: second, CASE: third, n, nested }: CanonicalRow): CanonicalRow {
  const { case: inside } = nested as { case: string | null }
  return { n: n!, case: first!, Case_1: second!, CASE_2: third!, nested: { case: inside, Case: inside, CASE: inside } }
}

const named = once(async (name: string) => {
  const { names } = NAMES[name]!
  const place = await newPlace('directory')
  const columns = Object.fromEntries(names.map((column) => [column, t.optional(t.string)]))
  await using table = await createTable(place.location, {
    schema: schema({ n: t.int, ...columns, nested: t.struct(columns) }),
    partitionBy: [identity(names[0]!), bucket(names.at(-1)!, 4)],
  })
  await table.append(rowsOf(names))
  return place
})

function rowsOf(names: readonly string[]) {
  return [1, 2].map((n) => {
    const values = Object.fromEntries(names.map((column, i) => [column, i % 2 === n % 2 ? null : `${column} ${n}`]))
    return { n, ...values, nested: values }
  })
}

describe.each(ENGINES)('column names of ours > %s', (engine) => {
  test.for(Object.keys(NAMES))('%s', { timeout: 120_000 }, async (name, context) => {
    const { names, gaps } = NAMES[name]!
    const { given, right } = await ask(judges, engine, context, await named(name), { rows: rowsOf(names), gaps })
    expect(given).toEqual(right)
  })
})

/** They take what follows a '#' or '?' for another part of a URL than the key. */
const NO_FRAGMENT: Gaps = {
  pyiceberg: { refuses: /Path does not exist/ },
  polars: { refuses: /Path does not exist/ },
  daft: { refuses: /Path does not exist/ },
}
const CLICKHOUSE_GLOB: Gaps = { clickhouse: { refuses: /takes this location for a glob/ } }

/** Names of folders, and what engines make of a table in one. */
const FOLDERS: Readonly<Record<string, Readonly<Partial<Record<PlaceKind, Gaps>>>>> = {
  'with blank': {},
  'ha#sh': { bucket: NO_FRAGMENT },
  'que?stion': {
    directory: CLICKHOUSE_GLOB,
    bucket: { ...NO_FRAGMENT, ...CLICKHOUSE_GLOB, duckdb: { refuses: /no version-hint could be found/ } },
  },
  'per%cent': {},
  'per%20cent': {},
  'a=b&c=d': {},
  'plus+comma,semi;colon:at@': {},
  "quo'te": {},
  'grün 日本語 😀 e\u0301': {},
  '(round) [square]': {},
}
const ROWS = [
  { n: 1, s: 'a b#c?d%e=f&g' },
  { n: 2, s: null },
]

const placed = once(async (key: `${PlaceKind} ${string}`) => {
  const place = await newPlace(key.slice(0, key.indexOf(' ')) as PlaceKind, key.slice(key.indexOf(' ') + 1))
  await using table = await createTable(place.location, {
    schema: schema({ n: t.int, s: t.optional(t.string) }),
    partitionBy: [identity('s')],
    skipProbe: true,
    ...place.options,
  })
  await table.append(ROWS)
  return place
})

describe.each(ENGINES)('places of ours > %s', (engine) => {
  describe.each(['directory', 'bucket'] as const)('in a %s', (kind) => {
    test.for(Object.keys(FOLDERS))('%s', { timeout: 120_000 }, async (folder, context) => {
      const gaps = FOLDERS[folder]![kind]
      const { given, right } = await ask(judges, engine, context, await placed(`${kind} ${folder}`), {
        rows: ROWS,
        gaps,
      })
      expect(given).toEqual(right)
    })
  })
})
