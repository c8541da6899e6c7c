import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bucket, createTable, day, identity, month, schema, t, truncate, type Table } from '../../src/index.ts'
import type { CanonicalRow } from '../judges/canonical.ts'
import { ENGINES, startJudges, type Judges } from '../judges/judges.ts'
import { ask, type Gaps } from './ask.ts'
import { askFilters, type Filter } from './filters.ts'
import { newPlace, once, type Place } from './places.ts'

let judges: Judges
beforeAll(async () => {
  judges = await startJudges()
}, 120_000)
afterAll(() => judges.stop(), 30_000)

interface Changed extends Place {
  /** By the name of the step after which it was current. */
  readonly snapshots: ReadonlyMap<string, bigint>
}

/** Steps in the life of a table: each changes schema or partitions and then appends two rows. */
const STEPS: Readonly<Record<string, (table: Table) => Promise<unknown>>> = {
  created: async () => {},
  'schema changed': (table) =>
    table.transaction((tx) => {
      tx.updateSchema((columns) =>
        columns
          .addColumn('added', t.optional(t.string))
          .addColumn('info.c', t.optional(t.list(t.optional(t.int))))
          .renameColumn('s', 'title')
          .renameColumn('info.b', 'bb')
          .widenColumn('n', t.long)
          .widenColumn('f', t.double)
          .widenColumn('price', t.decimal(18, 2))
          .widenColumn('info.a', t.long)
          .makeOptional('required')
          .dropColumn('gone'),
      )
    }),
  'partitioned by more': (table) =>
    table.transaction((tx) => tx.updatePartitionSpec((spec) => spec.add(bucket('n', 4)).add(truncate('title', 2)))),
  'partitioned by others': (table) =>
    table.transaction((tx) =>
      tx.updatePartitionSpec((spec) => spec.remove('at_day').remove('title_trunc').add(month('at'))),
    ),
  'not partitioned': (table) =>
    table.transaction((tx) => tx.updatePartitionSpec((spec) => spec.remove('at_month').remove('n_bucket'))),
  'partitioned as at first': (table) =>
    table.transaction((tx) => tx.updatePartitionSpec((spec) => spec.add(day('at')).add(identity('added')))),
  // A new column of the name of a dropped one, and a new partition field of the name of another.
  'names used again': (table) =>
    table.transaction((tx) => {
      tx.updateSchema((columns) => columns.addColumn('gone', t.optional(t.int)))
      tx.updatePartitionSpec((spec) => spec.add(bucket('n', 8)))
    }),
}
const NAMES = Object.keys(STEPS)

function inputOf(step: number): Record<string, unknown>[] {
  const [first, second] = [step * 2, step * 2 + 1]
  const old = {
    s: `title ${step}`,
    gone: 'gone',
    info: { a: step, b: 'b' },
  }
  const renamed = {
    title: `title ${step}`,
    added: `added ${step}`,
    info: { a: 2n ** 40n + BigInt(step), bb: 'bb', c: [step, null] },
  }
  const again = { gone: 7 }
  return [
    {
      n: first,
      at: `2026-0${step + 1}-28T12:00:00Z`,
      price: `${step}.50`,
      f: 0.5,
      required: true,
      ...(step === 0 ? old : renamed),
      ...(step > 5 && again),
    },
    { n: second, at: null, required: step === 0 ? false : null, info: null },
  ]
}

/** As the table shows the rows of all steps up to one, in the columns of that step. */
function rowsAfter(last: number): CanonicalRow[] {
  return Array.from({ length: last + 1 }, (_, step) => {
    const [first, second] = [step * 2, step * 2 + 1]
    const a = step === 0 ? 0 : 2 ** 40 + step
    const common = {
      n: first,
      at: { timestamp: `2026-0${step + 1}-28T12:00:00.000000` },
      price: { decimal: `${step}.50` },
      f: 0.5,
      required: true,
    }
    const nothing = { n: second, at: null, price: null, f: null, required: step === 0 ? false : null, info: null }
    if (last === 0) {
      return [
        { ...common, s: 'title 0', gone: 'gone', info: { a, b: 'b' } },
        { ...nothing, s: null, gone: null },
      ]
    }
    const info = { a, bb: step === 0 ? 'b' : 'bb', c: step === 0 ? null : [step, null] }
    const now = { title: `title ${step}`, added: step === 0 ? null : `added ${step}`, info }
    const again = (value: CanonicalRow) => (last > 5 ? value : {})
    return [
      { ...common, ...now, ...again(step > 5 ? { gone: 7 } : { gone: null }) },
      { ...nothing, title: null, added: null, ...again({ gone: null }) },
    ]
  }).flat()
}

const changed = once(async (): Promise<Changed> => {
  const place = await newPlace('directory')
  await using table = await createTable(place.location, {
    schema: schema({
      n: t.int,
      at: t.optional(t.timestamptz),
      s: t.optional(t.string),
      price: t.optional(t.decimal(9, 2)),
      f: t.optional(t.float),
      gone: t.optional(t.string),
      required: t.boolean,
      info: t.optional(t.struct({ a: t.int, b: t.optional(t.string) })),
    }),
    partitionBy: [day('at')],
  })
  const snapshots = new Map<string, bigint>()
  for (const [step, name] of NAMES.entries()) {
    await STEPS[name]!(table as Table)
    const { snapshotId } = await (table as Table).append(inputOf(step))
    snapshots.set(name, snapshotId)
  }
  return { ...place, snapshots }
})

const FILTERS: readonly Filter[] = [
  ...[0, 1, 4, 7, 13].map((value): Filter => ({ column: 'n', type: 'long', op: '=', value })),
  { column: 'n', type: 'long', op: '>', value: 7 },
  ...(['<', '>='] as const).map((op): Filter => ({
    column: 'at',
    type: 'timestamptz',
    op,
    value: { timestamp: '2026-04-28T12:00:00.000000' },
  })),
  { column: 'at', type: 'timestamptz', op: 'is null' },
  { column: 'title', type: 'string', op: '=', value: 'title 0' },
  { column: 'title', type: 'string', op: '>', value: 'title 3' },
  { column: 'added', type: 'string', op: 'is null' },
  { column: 'added', type: 'string', op: '=', value: 'added 5' },
  { column: 'price', type: 'decimal_18', op: '>', value: { decimal: '3.50' } },
  { column: 'f', type: 'double', op: '=', value: 0.5 },
]

/** ClickHouse has no null in place of a struct, and none of a required field in it. */
const inStruct = ({ info = null, ...row }: CanonicalRow): CanonicalRow => {
  if (info !== null) return { ...row, info: { ...(info as CanonicalRow), ...noLists(info as CanonicalRow) } }
  return { ...row, info: 'title' in row ? { a: 0, bb: null, c: [] } : { a: 0, b: null } }
}
const noLists = (info: CanonicalRow): CanonicalRow => ('c' in info ? { c: info['c'] ?? [] } : {})
const CLICKHOUSE: Gaps = { clickhouse: { shows: inStruct } }
/** daft reads columns as they are now from files in which they were something else, and plans by one partition spec. */
const DAFT = { refuses: /CorruptFile|Could not find field with id|not found in schema/ }

describe.each(ENGINES)('changed by us > %s', (engine) => {
  test('schema and partitions changed: files of all of them together', { timeout: 120_000 }, async (context) => {
    const question = { rows: rowsAfter(NAMES.length - 1), gaps: { ...CLICKHOUSE, daft: DAFT } }
    const { given, right } = await ask(judges, engine, context, await changed(0), question)
    expect(given).toEqual(right)
  })

  test('schema and partitions changed: the rows of each filter', { timeout: 120_000 }, async (context) => {
    const asked = { rows: rowsAfter(NAMES.length - 1), filters: FILTERS, gap: engine === 'daft' ? DAFT : undefined }
    const { given, right } = await askFilters(judges, engine, context, await changed(0), asked)
    expect(given).toEqual(right)
  })

  test.for([0, 1, 5])('the state after step %d, by snapshot id', { timeout: 120_000 }, async (step, context) => {
    const place = await changed(0)
    const snapshotId = place.snapshots.get(NAMES[step]!)
    const question = { rows: rowsAfter(step), snapshotId, gaps: { ...CLICKHOUSE, daft: DAFT } }
    const { given, right } = await ask(judges, engine, context, place, question)
    expect(given).toEqual(right)
  })
})

const SIMPLE = schema({ n: t.int, s: t.optional(t.string) })
const numbered = (count: number) => Array.from({ length: count }, (_, n) => ({ n, s: n % 7 === 0 ? null : `row ${n}` }))
const WIDTH = 1000
const wide = numbered(3).map(({ n }) =>
  Object.fromEntries(Array.from({ length: WIDTH }, (_, i) => [`c${i}`, (n + i) % 5 === 0 ? null : n + i])),
)

const SIZES: Readonly<Record<string, { write(place: Place): Promise<void>; rows: readonly CanonicalRow[] }>> = {
  'a table without a snapshot': {
    write: async ({ location }) => {
      const table = await createTable(location, { schema: SIMPLE })
      await table.close()
    },
    rows: [],
  },
  'a table of one row': {
    write: async ({ location }) => {
      await using table = await createTable(location, { schema: SIMPLE })
      await table.append([{ n: 0 }])
    },
    rows: numbered(1),
  },
  'a table of 800 commits': {
    write: async ({ location }) => {
      await using table = await createTable(location, { schema: SIMPLE })
      for (const row of numbered(800)) await table.append([row])
    },
    rows: numbered(800),
  },
  'a table of 1,000 columns': {
    write: async ({ location }) => {
      const columns = Object.fromEntries(Array.from({ length: WIDTH }, (_, i) => [`c${i}`, t.optional(t.int)]))
      await using table = await createTable(location, { schema: schema(columns) })
      await table.append(wide)
    },
    rows: wide,
  },
}

const sized = once(async (name: string) => {
  const place = await newPlace('directory')
  await SIZES[name]!.write(place)
  return place
})

describe.each(ENGINES)('tables of ours of every size > %s', (engine) => {
  test.for(Object.keys(SIZES))('%s', { timeout: 120_000 }, async (name, context) => {
    const { given, right } = await ask(judges, engine, context, await sized(name), { rows: SIZES[name]!.rows })
    expect(given).toEqual(right)
  })
})
