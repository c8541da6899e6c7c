import { mkdtemp, readFile, readdir, rm, truncate, unlink, writeFile } from 'node:fs/promises'
import { cp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { VerifyReport } from '../../src/table/verify.ts'
import { datashard } from './memory-io.ts'

let directory: string
let copies = 0

const SCHEMA = 'id long not null, name string, x double, st struct<a int>'

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'verify-'))
  await datashard(['create', join(directory, 'good'), '--schema', SCHEMA])
  for (const from of [0, 1000]) {
    const rows = Array.from({ length: 1000 }, (_, i) => ({ id: from + i, name: `n${i % 7}`, x: i / 2, st: { a: i } }))
    await datashard(['append', join(directory, 'good')], { stdin: rows.map((row) => JSON.stringify(row)).join('\n') })
  }
})
afterAll(() => rm(directory, { recursive: true }))

/**
 * The good table, moved away and copied into its place: metadata names local tables by their absolute path.
 */
async function withCopy(damage: (find: (part: string) => Promise<string>) => Promise<void>, ...options: string[]) {
  const good = join(directory, 'good')
  const kept = join(directory, `kept-${copies++}`)
  await cp(good, kept, { recursive: true })
  const find = async (part: string) => {
    const names = await readdir(good, { recursive: true })
    return join(
      good,
      names.sort().find((name) => name.includes(part))!,
    )
  }
  try {
    await damage(find)
    const { code, stdout, stderr } = await datashard(['verify', good, '--json', ...options])
    return { code, stderr, report: (stdout === '' ? undefined : JSON.parse(stdout)) as VerifyReport | undefined }
  } finally {
    await rm(good, { recursive: true })
    await cp(kept, good, { recursive: true })
  }
}

describe('verify', () => {
  test('a good table, quick and deep: exit code 0, and what was looked at', async () => {
    for (const options of [[], ['--deep'], ['--all', '--deep']]) {
      const { code, report } = await withCopy(async () => {}, ...options)
      expect({ code, problems: report!.problems }).toEqual({ code: 0, problems: [] })
      expect(report).toMatchObject({ ok: true, version: 3, files: 2, rows: 2000, manifests: 2 })
      expect(report!.snapshots).toBe(options.includes('--all') ? 2 : 1)
      expect(report!.filesRead).toBe(options.includes('--deep') ? 2 : 0)
    }
  })

  test('people get a sentence', async () => {
    const { stdout } = await datashard(['verify', join(directory, 'good'), '--deep'])
    expect(stdout).toMatch(/version 3, 1 snapshot, 2 manifests, 2 files \(2 read\), 2,000 rows/)
    expect(stdout).toMatch(/\neverything is there and whole\n$/)
  })

  test.each([
    ['a data file', '.parquet'],
    ['a manifest', '-m0.avro'],
  ])('%s that is gone is missing', async (_what, part) => {
    let gone = ''
    const { code, report } = await withCopy(async (find) => unlink((gone = await find(part))))
    expect(code).toBe(5)
    expect(report!.problems).toContainEqual(expect.objectContaining({ kind: 'missing', object: gone }))
  })

  test('a manifest list that is gone is missing', async () => {
    const { code, report } = await withCopy(async (find) => {
      const metadata = await find('metadata')
      for (const name of await readdir(metadata)) if (name.startsWith('snap-')) await unlink(join(metadata, name))
    })
    expect(code).toBe(5)
    expect(report!.problems).toEqual([
      expect.objectContaining({ kind: 'missing', object: expect.stringMatching(/snap-/) }),
    ])
  })

  test('a data file that was cut off has the wrong size', async () => {
    const { code, report } = await withCopy(async (find) => truncate(await find('.parquet'), 100))
    expect(code).toBe(5)
    expect(report!.problems).toEqual([
      expect.objectContaining({
        kind: 'mismatch',
        found: expect.stringMatching(/it has 100 bytes, its manifest says \d+/),
      }),
    ])
  })

  test('a flipped bit in a manifest is damage, every other object is still looked at', async () => {
    const { code, report } = await withCopy(async (find) => {
      await flip(await find('-m0.avro'), 0.8)
      await unlink(await find('.parquet'))
    })
    expect(code).toBe(5)
    expect(report!.problems.length).toBeGreaterThan(0)
  })

  test('bytes overwritten inside a data file are found by --deep only', async () => {
    expect((await withCopy(overwrite)).code).toBe(0)
    const { code, report } = await withCopy(overwrite, '--deep')
    expect(code).toBe(5)
    expect(report!.problems.length).toBeGreaterThan(0)
    for (const { object } of report!.problems) expect(object).toMatch(/\.parquet$/)
  })

  test('two data files that changed places are found by their sizes, or else by their bounds', async () => {
    const { code, report } = await withCopy(async (find) => {
      const data = await find('data')
      const [a, b] = (await readdir(data, { recursive: true }))
        .filter((name) => name.endsWith('.parquet'))
        .map((name) => join(data, name))
      const [one, two] = [await readFile(a!), await readFile(b!)]
      await writeFile(a!, two)
      await writeFile(b!, one)
    }, '--deep')
    expect(code).toBe(5)
    expect(report!.problems.some(({ found }) => /bytes|bound/.test(found))).toBe(true)
  })

  test('a version missing between others is a problem', async () => {
    const { code, report } = await withCopy(async (find) => unlink(await find('v2.metadata.json')))
    expect(code).toBe(5)
    expect(report!.problems).toEqual([
      expect.objectContaining({ found: expect.stringMatching(/versions 2 are missing/) }),
    ])
  })

  test('a damaged head is reported, not thrown', async () => {
    const { code, report } = await withCopy(async (find) =>
      writeFile(await find('v3.metadata.json'), '{"format-version":2,'),
    )
    expect(code).toBe(5)
    expect(report!.problems).toEqual([
      expect.objectContaining({ kind: 'damaged', found: expect.stringMatching(/v3\.metadata\.json/) }),
    ])
  })

  test('a file of a snapshot that is not the current one is found by --all, and by its id', async () => {
    expect((await withCopy(async () => {}, '--snapshot', '12345')).code).toBe(1)
  })

  test('more files than are worth a request each are compared with a listing', async () => {
    const wide = join(directory, 'wide')
    await datashard(['create', wide, '--schema', 'id long', '--partition', 'id'])
    const rows = Array.from({ length: 120 }, (_, id) => JSON.stringify({ id })).join('\n')
    await datashard(['append', wide], { stdin: rows })
    expect((await datashard(['verify', wide, '--deep'])).stdout).toMatch(/120 files \(120 read\), 120 rows/)
    await rm(join(wide, 'data/id=7'), { recursive: true })
    const { code, stdout } = await datashard(['verify', wide, '--json', '--deep'])
    expect(code).toBe(5)
    expect(JSON.parse(stdout)).toMatchObject({
      filesRead: 119,
      problems: [{ kind: 'missing', object: expect.stringMatching(/data\/id=7\//) }],
    })
  })

  test('where there is no table', async () => {
    const { code, stderr } = await datashard(['verify', join(directory, 'nothing')])
    expect(code).toBe(1)
    expect(stderr).toMatch(/there is no table at/)
  })
})

async function flip(path: string, where: number): Promise<void> {
  const bytes = await readFile(path)
  const at = Math.floor(bytes.length * where)
  bytes[at] = bytes[at]! ^ 0x40
  await writeFile(path, bytes)
}

async function overwrite(find: (part: string) => Promise<string>): Promise<void> {
  const path = await find('.parquet')
  const bytes = await readFile(path)
  bytes.fill(0xaa, 40, 240)
  await writeFile(path, bytes)
}
