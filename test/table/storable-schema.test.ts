/** Schemas that rows cannot be written by, or read again by, are refused when they are made. */
import { describe, expect, test } from 'vitest'
import { createTable, loadTable, schema, t, type ColumnType, type SchemaChange, type Table } from '../../src/index.ts'
import { memoryStore } from '../../src/store/memory.ts'

const LOCATION = 'memory://store/t'

/** Nests a type and a value of it `levels` deep. */
const NESTS: Readonly<
  Record<string, { type: (inner: ColumnType) => ColumnType; value: (inner: unknown) => unknown; most: number }>
> = {
  lists: { type: (inner) => t.list(inner), value: (inner) => [inner], most: 60 },
  structs: { type: (inner) => t.struct({ a: inner }), value: (inner) => ({ a: inner }), most: 60 },
  maps: { type: (inner) => t.map(t.string, inner), value: (inner) => new Map([['k', inner]]), most: 30 },
}

function times<V>(count: number, wrap: (inner: V) => V, innermost: V): V {
  return Array.from({ length: count }).reduce<V>((inner) => wrap(inner), innermost)
}

describe('nesting', () => {
  test.each(Object.entries(NESTS))(
    '%s come back from as deep as they may be, as rows and as Arrow',
    async (_, nest) => {
      const store = memoryStore()
      for (const leaf of [t.decimal(38, 2), t.timestamptz, t.fixed(3), t.long]) {
        const location = `memory://store/${leaf.type.type}`
        const columns = schema({ deep: t.optional(times<ColumnType>(nest.most, nest.type, leaf)) })
        const table: Table = await createTable(location, { schema: columns, store })
        await table.append([{ deep: null }])
        if (leaf === t.long) await table.append([{ deep: times(nest.most, nest.value, 7n) }])
        const again = await loadTable(location, { store })
        const rows = await again.scan().toArray()
        expect(rows).toHaveLength(leaf === t.long ? 2 : 1)
        if (leaf === t.long) expect(rows).toContainEqual({ deep: times<unknown>(nest.most, nest.value, 7n) })
        expect((await again.scan().toArrow()).numRows).toBe(rows.length)
      }
    },
  )

  test.each(Object.entries(NESTS))('%s that are deeper are refused when the table is made', async (_, nest) => {
    const columns = schema({ deep: times<ColumnType>(nest.most + 1, nest.type, t.long) })
    await expect(createTable(LOCATION, { schema: columns, store: memoryStore() })).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringMatching(/^column 'deep' is nested 6[23] levels deep; 61 can be written/) as string,
    })
  })
})

describe('a change of the schema', () => {
  async function changing(change: (schema: SchemaChange) => unknown) {
    const columns = schema({ id: t.long, place: t.optional(t.struct({ zip: t.optional(t.string) })) })
    const table: Table = await createTable(LOCATION, { schema: columns, store: memoryStore() })
    await table.transaction((tx) => tx.updateSchema(change))
    return table
  }

  test.each<[string, (schema: SchemaChange) => unknown, string]>([
    [
      'a type of v3',
      (s) => s.addColumn('at', 'timestamp_ns'),
      "column 'at' is of type timestamp_ns, which needs Iceberg format v3",
    ],
    [
      'a type of v3 deep inside',
      (s) => s.addColumn('place.at', t.optional(t.list(t.timestamptzNs))),
      "column 'place.at.element' is of type timestamptz_ns",
    ],
    [
      'a struct without fields',
      (s) => s.addColumn('nothing', t.optional(t.struct({}))),
      'a struct without fields cannot be written',
    ],
    [
      'nesting without end',
      (s) => s.addColumn('place.deep', t.optional(times<ColumnType>(60, NESTS['lists']!.type, t.long))),
      "column 'place' is nested 62 levels deep",
    ],
    ['no column', (s) => s.dropColumn('id').dropColumn('place'), 'a table without columns cannot be written'],
  ])('to %s is refused, where it would have broken the table', async (_, change, message) => {
    await expect(changing(change)).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining(message) as string,
    })
  })

  test('to something that can be written is made', async () => {
    const table = await changing((s) => s.addColumn('tags', t.optional(t.list(t.string))).dropColumn('id'))
    await table.append([{ tags: ['a'] }])
    expect(await table.scan().toArray()).toEqual([{ place: null, tags: ['a'] }])
  })

  test('a name with a NUL, which nobody could read the files of, is refused', async () => {
    await expect(changing((s) => s.addColumn('a\0b', 'string'))).rejects.toMatchObject({ code: 'invalid-argument' })
    await expect(changing((s) => s.renameColumn('id', 'a\0b'))).rejects.toThrow('has a NUL in it')
    expect(() => schema({ 'a\0b': t.string })).toThrow('has a NUL in it')
  })
})
