/** A table of many large row groups: the next one is decompressed in another thread while one is decoded. */
import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { fillBeside, hasZstdThread } from '../../src/codec/zstd-thread.ts'
import type { Table } from '../../src/index.ts'
import { createTable, DataShardError, eq, schema, t } from '../../src/index.ts'
import { sideThreadReady } from '../support/side-thread-ready.ts'

vi.mock('../../src/codec/zstd-thread.ts', async (original) => {
  const module = await original<typeof import('../../src/codec/zstd-thread.ts')>()
  return { ...module, fillBeside: vi.fn<typeof module.fillBeside>(module.fillBeside) }
})

const ROWS = 150_000
/** Each row has text of its own, so that pages are worth a thread, and no two row groups are alike. */
const rowOf = (id: number) => ({ id, text: `${id} ${'.'.repeat(id % 90)}`, maybe: id % 7 === 0 ? null : id / 3 })

let directory: string
let table: Table

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'datashard-ahead-'))
  table = await createTable(join(directory, 't'), {
    schema: schema({ id: t.int, text: t.string, maybe: t.optional(t.double) }),
    properties: { 'write.parquet.row-group-size-bytes': '1000000' },
  })
  await table.append(Array.from({ length: ROWS }, (_, id) => rowOf(id)))
})

afterAll(async () => {
  await table?.close()
  await rm(directory, { recursive: true, force: true })
})

describe('row groups that are decompressed ahead', () => {
  test('are so once enough was read, and the thread has started', async () => {
    for await (const _ of table.scan()) continue
    if (availableParallelism() > 1) await sideThreadReady(hasZstdThread)
    expect(hasZstdThread()).toBe(availableParallelism() > 1)
  })

  test('come in order, with their own values, as rows and as Arrow, to several readers at once', async () => {
    const read = async () => {
      const rows = await table.scan().toArray()
      expect(rows).toHaveLength(ROWS)
      expect(rows.every((row, id) => JSON.stringify(row) === JSON.stringify(rowOf(id)))).toBe(true)
    }
    const readArrow = async () => {
      const arrow = await table.scan().toArrow()
      const [id, text, maybe] = ['id', 'text', 'maybe'].map((name) => arrow.getChild(name)!)
      const differing = Array.from({ length: ROWS }, (_, i) => i).filter((i) => {
        const row = rowOf(i)
        return id!.get(i) !== i || text!.get(i) !== row.text || maybe!.get(i) !== row.maybe
      })
      expect(differing).toEqual([])
    }
    await Promise.all([read(), readArrow(), read(), readArrow()])
    const calls = vi.mocked(fillBeside).mock.calls.length
    // Where there is a core for it, and for as many at a time as there is room.
    if (availableParallelism() > 1) expect(calls).toBeGreaterThanOrEqual(3)
    else expect(calls).toBe(0)
    expect(await Promise.all(vi.mocked(fillBeside).mock.results.map(({ value }) => value))).not.toContain(undefined)
  })

  test('may be left alone in the middle', async () => {
    expect(await table.scan({ limit: 100_000 }).toArray()).toHaveLength(100_000)
    for await (const row of table.scan()) if ((row as { id: number }).id === 90_000) break
    expect(await table.scan({ where: eq('id', 149_999) }).toArray()).toEqual([rowOf(149_999)])
  })

  test.runIf(availableParallelism() > 1)('give back their memory when they are left', async () => {
    await sideThreadReady(hasZstdThread)
    const { signal } = new AbortController()
    const fail = () => {
      throw new Error('enough')
    }
    for (let i = 0; i < 4; i++) {
      for await (const row of table.scan({ signal })) if ((row as { id: number }).id === 90_000) break
      const failing = async () => {
        for await (const row of table.scan({ signal })) if ((row as { id: number }).id === 90_000) fail()
      }
      await expect(failing()).rejects.toThrow('enough')
    }
    vi.mocked(fillBeside).mockClear()
    expect((await table.scan().toArrow()).numRows).toBe(ROWS)
    expect(vi.mocked(fillBeside)).toHaveBeenCalled()
  })

  test('a damaged page of a later one is named, and what follows is not read', async () => {
    const [name] = (await readdir(join(directory, 't', 'data'))).filter((file) => file.endsWith('.parquet'))
    const path = join(directory, 't', 'data', name!)
    const whole = await readFile(path)
    const damaged = Buffer.from(whole)
    const at = Math.floor(whole.length * 0.7)
    damaged[at] = damaged[at]! ^ 0xff
    await writeFile(path, damaged)
    let seen = 0
    const read = async () => {
      for await (const _ of table.scan()) seen++
    }
    const error = await read().catch((thrown: unknown) => thrown)
    await writeFile(path, whole)
    expect(DataShardError.is(error, 'corrupt')).toBe(true)
    expect((error as Error).message).toContain(name!)
    expect(seen).toBeGreaterThan(50_000)
    expect(seen).toBeLessThan(ROWS)
  })

  test('a process that has read ends by itself', async () => {
    const script = join(directory, 'read.mjs')
    const library = new URL('../../src/index.ts', import.meta.url).href
    await writeFile(
      script,
      `import { loadTable } from ${JSON.stringify(library)}\n` +
        `const table = await loadTable(${JSON.stringify(join(directory, 't'))})\n` +
        `console.log((await table.scan().toArrow()).numRows, (await table.scan().toArray()).length)\n`,
    )
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', script], { timeout: 60_000 })
    expect(stdout.trim()).toBe(`${ROWS} ${ROWS}`)
  })
})
