/** Input and locations that are not quite what they should be: understood where that is safe, else a message that says what to do. */
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { datashard } from './memory-io.ts'

let directory: string
const at = (name: string) => join(directory, name)

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'mistakes-'))
})
afterAll(() => rm(directory, { recursive: true }))

async function rowsOf(location: string): Promise<unknown[]> {
  const { stdout } = await datashard(['scan', location, '--format', 'ndjson'])
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown)
}

describe('input on stdin with --delimiter', () => {
  test.each([
    ['plain', 'id;name\n1;a\n2;b\n'],
    ['gzipped', gzipSync('id;name\n1;a\n2;b\n')],
  ])('%s, without --format: it is CSV', async (name, stdin) => {
    const done = await datashard(['append', at(name), '--create', '--infer', '--delimiter', ';'], { stdin })
    expect(done).toMatchObject({ code: 0 })
    expect(await rowsOf(at(name))).toEqual([
      { id: 1, name: 'a' },
      { id: 2, name: 'b' },
    ])
  })

  test('without --delimiter the formats are named', async () => {
    const { code, stderr } = await datashard(['append', at('none')], { stdin: 'id;name\n1;a\n' })
    expect(code).toBe(2)
    expect(stderr).toContain('say --format ndjson|json|csv|tsv')
  })

  test('a format that the name or --format says still counts', async () => {
    await writeFile(at('rows.ndjson'), '{"id":1}\n')
    const named = await datashard(['append', at('named'), at('rows.ndjson'), '--create', '--infer', '--delimiter', ';'])
    expect(named.code).toBe(0)
    expect(await rowsOf(at('named'))).toEqual([{ id: 1 }])
  })
})

describe('a location that is a link to nowhere', () => {
  test.each(['link', 'link/below'])('%s: the message says so, and nothing is made', async (name) => {
    await symlink(at('nowhere'), at('link')).catch(() => undefined)
    const { code, stderr } = await datashard(['create', at(name), '--schema', 'id:long'])
    expect(code).toBe(2)
    expect(stderr).toContain(`${at('link')} is a symbolic link to ${at('nowhere')}, which is not there`)
    expect(stderr).not.toContain('EEXIST')
  })
})

describe('a Parquet file of the user that is damaged', () => {
  test('the advice is about the file, not about a table to be restored', async () => {
    await datashard(['append', at('people'), '--create', '--infer'], { stdin: '{"id":1}\n{"id":2}\n' })
    await datashard(['scan', at('people'), '--output', at('good.parquet')])
    const good = await readFile(at('good.parquet'))
    await writeFile(at('cut.parquet'), good.subarray(0, good.length - 20))
    // Its footer is whole, what it points to is not.
    const spoiled = Uint8Array.from(good)
    spoiled.fill(0xff, 4, 40)
    await writeFile(at('spoiled.parquet'), spoiled)
    for (const args of [
      ['append', at('people'), at('cut.parquet')],
      ['append', at('people'), at('spoiled.parquet')],
      ['append', at('people'), '--as-files', at('cut.parquet')],
    ]) {
      const { code, stderr } = await datashard(args)
      expect([code, stderr]).toEqual([1, expect.stringContaining('make or fetch the file again; no table is damaged')])
      expect(stderr).not.toMatch(/restore|backup/)
    }
    expect(await rowsOf(at('people'))).toHaveLength(2)
  })
})

describe('JSON with a key twice in one object', () => {
  test.each([
    ['ndjson', '{"id":1,"name":"first","id":2}\n'],
    ['json', '[{"id":1,"name":"first","id":2}]'],
  ])('%s: the last value counts, as for JSON.parse', async (format, stdin) => {
    const location = at(`twice-${format}`)
    await datashard(['append', location, '--format', format, '--create', '--infer'], { stdin })
    expect(await rowsOf(location)).toEqual([{ id: 2, name: 'first' }])
  })
})
