/** Checksums of the data files of whole tables, however their rows came in, and what pyarrow makes of them. */
import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, test, type TestContext } from 'vitest'
import { readPages } from '../../src/codec/parquet-page-header.ts'
import { createTable, loadTable, schema, t, type Table } from '../../src/index.ts'
import { open } from '../codec/parquet-reading.ts'
import { prepareJudges, type JudgeEnvironment } from '../judges/setup.ts'
import { collect, temporaryDirectory } from '../support/tables.ts'

let environment: JudgeEnvironment
beforeAll(async () => {
  environment = await prepareJudges()
}, 120_000)

const run = promisify(execFile)
const columns = schema({ n: t.int, s: t.optional(t.string), list: t.optional(t.list(t.optional(t.int))) })
const rows = Array.from({ length: 6000 }, (_, n) => ({
  n,
  s: n % 7 === 0 ? null : `value ${n % 9}`,
  list: n % 5 === 0 ? null : [n, null],
}))
/** Several pages in several row groups in several files. */
const properties = {
  'write.parquet.row-group-size-bytes': '20000',
  'write.parquet.page-size-bytes': '1000',
  'write.target-file-size-bytes': '30000',
}

async function* streamed() {
  for (const row of rows) yield row
}

const WAYS: Readonly<Record<string, (table: Table, source: Table) => Promise<unknown>>> = {
  rows: (table) => table.append(rows),
  'a stream': (table) => table.append(streamed()),
  'an Arrow table': async (table, source) => table.append(await source.scan().toArrow()),
}

async function pathsOf(table: Table): Promise<string[]> {
  return (await collect(table.files())).map(({ path }) => path)
}

/** A table of the rows, written in a way. */
async function written(way: string) {
  const directory = await temporaryDirectory()
  await using source = await createTable(join(directory.path, 'source'), { schema: columns })
  if (way === 'an Arrow table') await source.append(rows)
  const location = join(directory.path, 'table')
  await using table = await createTable(location, { schema: columns, properties })
  await WAYS[way]!(table, source)
  return { location, paths: await pathsOf(table), directory, [Symbol.asyncDispose]: directory[Symbol.asyncDispose] }
}

async function python(context: TestContext, code: string, ...args: string[]): Promise<string> {
  if (environment.python === undefined) context.skip(`pyarrow is missing: ${environment.reasons.join(', ')}`)
  const { stdout } = await run(environment.python!, ['-c', code, ...args])
  return stdout.trim()
}

const READ_VERIFIED = `
import sys, pyarrow.parquet as pq
numbers = []
for path in sys.argv[1:]:
    numbers += pq.read_table(path, page_checksum_verification=True)['n'].to_pylist()
print(len(numbers), sum(numbers))
`
const COPY = `
import sys, pyarrow.parquet as pq
table = pq.read_table(sys.argv[1])
pq.write_table(table.slice(0, 10), sys.argv[2])
print(b'datashard.footer-crc32' in pq.read_metadata(sys.argv[2]).metadata)
`

describe('checksums in files of ours', () => {
  test.for(Object.keys(WAYS))('every page and column chunk has one: %s', { timeout: 60_000 }, async (way) => {
    await using table = await written(way)
    let pages = 0
    for (const path of table.paths) {
      const bytes = new Uint8Array(await readFile(path))
      for (const { start, size, crc } of (await open(bytes)).footer.rowGroups.flatMap(({ chunks }) => chunks)) {
        expect(crc).toBeDefined()
        for (const page of readPages(bytes.subarray(start, start + size))) {
          expect(page.crc).toBeDefined()
          pages++
        }
      }
    }
    expect(table.paths.length).toBeGreaterThan(0)
    expect(pages).toBeGreaterThan(20)
  })

  test('pyarrow checks them: all rows, and none where a page has changed', { timeout: 120_000 }, async (context) => {
    await using table = await written('a stream')
    const sum = rows.reduce((total, { n }) => total + n, 0)
    expect(await python(context, READ_VERIFIED, ...table.paths)).toBe(`${rows.length} ${sum}`)

    const [path] = table.paths
    const bytes = new Uint8Array(await readFile(path!))
    const [chunk] = (await open(bytes)).footer.rowGroups[0]!.chunks
    const [page] = readPages(bytes.subarray(chunk!.start, chunk!.start + chunk!.size))
    const last = chunk!.start + page!.end - 1
    bytes[last] = bytes[last]! ^ 1
    await writeFile(path!, bytes)
    await expect(python(context, READ_VERIFIED, path!)).rejects.toThrow(/CRC checksum verification failed/)
    await using damaged = await loadTable(table.location)
    await expect(damaged.scan().toArray()).rejects.toMatchObject({ code: 'corrupt' })
  })

  test(
    'pyarrow copies our entries to a file of its own: they mean nothing there',
    { timeout: 60_000 },
    async (context) => {
      await using table = await written('rows')
      const copy = join(table.directory.path, 'copy.parquet')
      expect(await python(context, COPY, table.paths[0]!, copy)).toBe('True')
      await using other = await createTable(join(table.directory.path, 'other'), { schema: columns })
      await other.appendFiles([copy])
      expect(await other.scan().toArray()).toHaveLength(10)
    },
  )
})
