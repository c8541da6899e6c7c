/** The golden tables as a user opens them: by location, by metadata file, in a bucket and in a copy on a disk. */
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, inject, test } from 'vitest'
import { parseWhere } from '../../src/cli/where.ts'
import { loadTable, type AsOf, type Table } from '../../src/index.ts'
import { sortRows } from '../judges/canonical.ts'
import { canonicalRow } from '../scan/canonical-rows.ts'
import { goldenTables, uploadGolden, type GoldenRead, type GoldenTable } from '../support/golden.ts'
import { s3Options } from './places.ts'

const FIXTURES = join(dirname(fileURLToPath(import.meta.url)), '..', 'fixtures', 'golden', 'bucket')
const tables = await goldenTables()

const EXACT = ['types', 'parts', 'refs', 'empty', 'over', 'py_cow', 'py_mapped', 'evolve']
/** What each of the others has that this version does not read. */
const REFUSED = {
  mor: /position deletes/,
  dv: /deletion vectors/,
  eqdel: /equality deletes/,
  avrodata: /Avro file/,
  orcdata: /ORC file/,
}

const PLACES = {
  'in a bucket': (table: GoldenTable) =>
    loadTable(table.metadataFile ?? table.location, { s3: s3Options(inject('s3')) }),
  'in a directory': (table: GoldenTable) =>
    loadTable((table.metadataFile ?? table.location).replace('s3://golden', FIXTURES)),
} satisfies Record<string, (table: GoldenTable) => Promise<Table>>

beforeAll(() => uploadGolden(inject('s3')), 60_000)

/** `expected.json` does not say it of this one; it is what its rows have in common. */
const UNTOLD_FILTERS: Readonly<Record<string, string>> = { filter: 'id > 120' }

function asOf(name: string, { snapshotId }: GoldenRead, table: Table): AsOf | undefined {
  if (snapshotId !== undefined) return { snapshotId }
  const ref = /^(?:tag|branch)_(.+)$/.exec(name)?.[1]
  return ref === undefined ? undefined : { ref: Object.keys(table.metadata.refs).find((one) => one.includes(ref))! }
}

describe.each(Object.entries(PLACES))('golden tables %s', (place, open) => {
  const readable = place === 'in a bucket' ? EXACT : EXACT.filter((name) => name !== 'py_mapped')
  describe.each(readable)('%s', (name) => {
    const table = tables[name]!
    test.for(Object.entries(table.reads))('%s: exactly the rows of its writer', async ([read, expected]) => {
      await using opened = await open(table)
      const filter = expected.filter ?? UNTOLD_FILTERS[read]
      const scan = opened.scan({
        select: expected.columns,
        timestamps: 'micros',
        asOf: asOf(read, expected, opened),
        where: filter === undefined ? undefined : parseWhere(filter),
      })
      const rows = await scan.toArray()
      expect(sortRows(rows.map((row) => canonicalRow(row, scan.schema.fields)))).toEqual(sortRows(expected.rows))
    })
  })

  test.for(Object.entries(REFUSED))('%s is refused by name, whatever is asked of it', async ([name, why]) => {
    const table = tables[name]!
    await using opened = await open(table)
    const columns = table.reads['current']!.columns
    const refusal = { code: 'unsupported', message: expect.stringMatching(why) }
    await expect(opened.scan({ select: columns }).toArray()).rejects.toMatchObject(refusal)
    await expect(opened.scan({ select: columns, limit: 1 }).toArray()).rejects.toMatchObject(refusal)
    await expect(opened.scan({ select: columns }).toArrow()).rejects.toMatchObject(refusal)
  })

  test.for(['mor', 'dv', 'eqdel'])('%s: its rows are not counted either', async (name) => {
    await using opened = await open(tables[name]!)
    await expect(opened.scan().count()).rejects.toMatchObject({ code: 'unsupported' })
  })

  test('a table opened by its metadata file is read-only', async () => {
    await using opened = await open(tables['py_cow']!)
    await expect(opened.append([{ id: 1 }])).rejects.toMatchObject({ code: 'unsupported' })
  })
})

test('golden tables in a directory: a file outside of the table is not opened, whatever metadata says', async () => {
  await using opened = await PLACES['in a directory'](tables['py_mapped']!)
  const outside = {
    code: 'unsupported',
    message: expect.stringContaining('which lies outside of it; nothing was read'),
  }
  await expect(opened.scan().toArray()).rejects.toMatchObject(outside)
})
