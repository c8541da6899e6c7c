/** What can stand in a directory where a table has its files, and is none of them. */
import { execFile } from 'node:child_process'
import { mkdir, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { createTable, DataShardError, loadTable } from '../../src/index.ts'
import { diagnose } from '../../src/table/doctor.ts'
import { collect, people, person, temporaryDirectory } from '../support/tables.ts'

const isWindows = process.platform === 'win32'

async function newTable() {
  const directory = await temporaryDirectory()
  onTestFinished(() => directory[Symbol.asyncDispose]())
  const location = join(directory.path, 't')
  await using table = await createTable(location, { schema: people })
  for (const id of [0, 1]) await table.append([person(id)])
  await table.flush()
  return { location, path: (name: string) => join(location, 'metadata', name) }
}

test.skipIf(isWindows)(
  'named pipes in the place of files are waited for by nobody',
  async () => {
    const { location, path } = await newTable()
    // One more than the threads that do the file work of a process.
    for (const name of ['version-hint.text', 'v3.metadata.json', 'v4.metadata.json']) {
      await rm(path(name), { force: true })
      await promisify(execFile)('mkfifo', [path(name)])
    }
    const opened = await Promise.all(Array.from({ length: 5 }, () => loadTable(location)))
    for (const table of opened) expect(await table.scan().count()).toBe(1)
    const error = await opened[0]!.append([person(2)], { timeoutMs: 3_000 }).catch((reason: unknown) => reason)
    expect(DataShardError.is(error), String(error)).toBe(true)
  },
  15_000,
)

test('a version of gigabytes is damaged; it is not read into memory', async () => {
  const { location, path } = await newTable()
  await truncate(path('v3.metadata.json'), 6_000_000_000)
  const before = process.memoryUsage().arrayBuffers
  const error = await loadTable(location).catch((reason: unknown) => reason)
  expect(DataShardError.is(error, 'corrupt'), String(error)).toBe(true)
  expect(String(error)).toContain(`${path('v3.metadata.json')} is damaged: it has 6000000000 bytes`)
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(100_000_000)
})

test('the doctor says what it found also where metadata is a file', async () => {
  const { location } = await newTable()
  await rm(join(location, 'metadata'), { recursive: true })
  await writeFile(join(location, 'metadata'), 'x')
  await mkdir(join(location, 'data'), { recursive: true })
  const findings = await collect(diagnose(location))
  expect(findings.some(({ status, found }) => status === 'problem' && found.includes('ENOTDIR'))).toBe(true)
})
