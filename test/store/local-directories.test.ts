import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { makeDirectories } from '../../src/store/local-directories.ts'
import { localStore } from '../../src/store/local.ts'

let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'directories-'))
})
afterEach(() => rm(root, { recursive: true, force: true }))

describe('directories', () => {
  test('are made from the topmost one that is missing, which is told', async () => {
    expect(await makeDirectories(join(root, 'a', 'b', 'c'))).toBe(join(root, 'a'))
    expect(existsSync(join(root, 'a', 'b', 'c'))).toBe(true)
    expect(await makeDirectories(join(root, 'a', 'b', 'd'))).toBe(join(root, 'a', 'b', 'd'))
    expect(await makeDirectories(join(root, 'a', 'b'))).toBeUndefined()
  })

  test('many at once make the same ones', async () => {
    const made = await Promise.all(
      Array.from({ length: 16 }, (_, i) => makeDirectories(join(root, 'x', 'y', `${i % 2}`))),
    )
    expect(made.filter((one) => one === join(root, 'x'))).toHaveLength(1)
  })

  test('not below a file', async () => {
    await writeFile(join(root, 'file'), '')
    await expect(makeDirectories(join(root, 'file', 'below'))).rejects.toMatchObject({ code: 'ENOTDIR' })
    await expect(makeDirectories(join(root, 'file'))).rejects.toMatchObject({ code: 'EEXIST' })
  })

  test.skipIf(process.platform !== 'linux')('where none can be made: an error, not a wait for ever', async () => {
    const store = localStore('/proc/nowhere/at/all')
    await expect(store.put('key', new Uint8Array(1))).rejects.toMatchObject({ code: 'unavailable' })
  })
})
