import { mkdtemp, readFile, rm, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import type { Finding } from '../../src/table/doctor.ts'
import { datashard } from './memory-io.ts'

const directories: string[] = []
let table: string

beforeEach(async () => {
  table = await mkdtemp(join(tmpdir(), 'doctor-'))
  directories.push(table)
  await datashard(['create', table, '--schema', 'id long'])
  for (const id of [1, 2, 3]) await datashard(['append', table], { stdin: JSON.stringify({ id }) })
})
afterAll(() => Promise.all(directories.map((path) => rm(path, { recursive: true }))))

const metadata = (name: string) => join(table, 'metadata', name)

async function diagnose() {
  const { code, stdout } = await datashard(['doctor', table, '--json'])
  const { findings } = JSON.parse(stdout) as { findings: Finding[] }
  return { code, findings, wrong: findings.filter(({ status }) => status !== 'ok') }
}

describe('doctor on a table', () => {
  test('a good one: every check is ok', async () => {
    const { code, findings, wrong } = await diagnose()
    expect({ code, wrong }).toEqual({ code: 0, wrong: [] })
    const found = Object.fromEntries(findings.map(({ check, found }) => [check, found]))
    expect(found).toMatchObject({
      table: 'version 4, format v2, 3 snapshots, 3 rows',
      'version hint': 'names version 4, the newest',
      versions: '1 to 4, without gaps',
      writers: 'the newest 4 versions were all written by DataShard',
    })
  })

  test('a hint that lags, is missing, is garbage, or names what is not there', async () => {
    const hint = metadata('version-hint.text')
    await writeFile(hint, '2')
    expect((await diagnose()).wrong).toMatchObject(
      [{ check: 'version hint', status: 'warning', found: /2 behind/ }].map(loose),
    )
    await writeFile(hint, 'x')
    expect((await diagnose()).wrong).toMatchObject(
      [{ check: 'version hint', status: 'warning', found: /no number/ }].map(loose),
    )
    await unlink(hint)
    expect((await diagnose()).wrong).toMatchObject(
      [{ check: 'version hint', status: 'warning', found: /there is none/ }].map(loose),
    )
    await writeFile(hint, '9')
    const { code, wrong } = await diagnose()
    expect(code).toBe(5)
    expect(wrong).toMatchObject([{ check: 'version hint', status: 'problem', found: /names version 9/ }].map(loose))
  })

  test('a version that is missing between others', async () => {
    await unlink(metadata('v2.metadata.json'))
    const { code, wrong } = await diagnose()
    expect(code).toBe(5)
    expect(wrong).toMatchObject([{ check: 'versions', status: 'problem', found: /versions 2 are missing/ }].map(loose))
  })

  test('one number plain and compressed', async () => {
    await writeFile(metadata('v3.gz.metadata.json'), await readFile(metadata('v3.metadata.json')))
    const { code, wrong } = await diagnose()
    expect(code).toBe(5)
    expect(wrong).toMatchObject([{ check: 'versions', status: 'problem', found: /plain and compressed/ }].map(loose))
  })

  test('versions by other software, and metadata files of a catalog', async () => {
    const text = await readFile(metadata('v4.metadata.json'), 'utf8')
    await writeFile(metadata('v4.metadata.json'), text.replace('"datashard-commit"', '"someone-else"'))
    await writeFile(metadata('00004-0a1b2c3d-0000-4000-8000-ffffffffffff.metadata.json'), text)
    const { code, wrong } = await diagnose()
    expect(code).toBe(0)
    expect(wrong).toMatchObject(
      [
        { check: 'writers', status: 'warning', found: /named by a catalog/ },
        { check: 'writers', status: 'warning', found: /1 of the newest 4 versions were written by other software/ },
      ].map(loose),
    )
  })

  test('settings that make it unsafe to write', async () => {
    const text = await readFile(metadata('v4.metadata.json'), 'utf8')
    await writeFile(
      metadata('v4.metadata.json'),
      text
        .replace('"properties":{', '"properties":{"write.metadata.delete-after-commit.enabled":"true",')
        .replace(',}', '}'),
    )
    const { code, wrong } = await diagnose()
    expect(code).toBe(5)
    expect(wrong).toMatchObject([{ check: 'settings', status: 'problem', found: /delete-after-commit/ }].map(loose))
  })

  test('a head that is damaged', async () => {
    await writeFile(metadata('v4.metadata.json'), '{')
    const { code, wrong } = await diagnose()
    expect(code).toBe(5)
    expect(wrong).toMatchObject([{ check: 'table', status: 'problem', found: /v4\.metadata\.json/ }].map(loose))
  })

  test('a table that was dropped, and one of a catalog', async () => {
    await datashard(['drop', table, '--yes'])
    const dropped = await diagnose()
    expect(dropped.code).toBe(0)
    expect(dropped.findings.find(({ check }) => check === 'table')?.found).toMatch(/none: it was dropped at 20/)
    await rm(join(table, 'metadata'), { recursive: true })
    await datashard(['create', join(table, 'other'), '--schema', 'id long'])
    const text = await readFile(join(table, 'other/metadata/v1.metadata.json'))
    await rm(join(table, 'other'), { recursive: true })
    await datashard(['doctor', table])
    const { mkdir } = await import('node:fs/promises')
    await mkdir(join(table, 'metadata'))
    await writeFile(metadata('00000-0a1b2c3d-0000-4000-8000-ffffffffffff.metadata.json'), text)
    const { wrong } = await diagnose()
    expect(wrong).toMatchObject([{ check: 'table', status: 'warning', found: /named by a catalog/ }].map(loose))
  })
})

/** A pattern as what `toMatchObject` takes. */
function loose(finding: { check: string; status: string; found: RegExp }) {
  return { ...finding, found: expect.stringMatching(finding.found) as unknown }
}
