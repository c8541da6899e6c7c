import { describe, expect, test } from 'vitest'
import { memoryStore } from '../../src/store/memory.ts'
import { createTable } from '../../src/table/create.ts'
import { loadTable } from '../../src/table/load.ts'
import { faultyStore } from '../support/faulty-store.ts'
import { collect, people, person } from '../support/tables.ts'

const LOCATION = 'memory://store/t'
/** Fewer than are merged into one. */
const MANIFESTS = 14

/** A table of many manifests, and how many of its objects were being read at once. */
async function manyManifests() {
  const store = faultyStore(memoryStore(), () => undefined)
  const table = await createTable(LOCATION, { schema: people, store })
  for (let i = 0; i < MANIFESTS; i++) await table.append([person(i)])
  await table.flush()
  const reader = await loadTable(LOCATION, { store })
  const counted = { reads: 0, atOnce: 0 }
  let underWay = 0
  store.rule = ({ verb, key }) => {
    if (verb !== 'get' || !key.endsWith('.avro')) return undefined
    return async () => {
      counted.reads++
      counted.atOnce = Math.max(counted.atOnce, ++underWay)
      await new Promise((resolve) => setImmediate(resolve))
      underWay--
    }
  }
  return { reader, counted }
}

describe('the files of many manifests', () => {
  test('manifests are read several at once, each once, and listed in order', async () => {
    const { reader, counted } = await manyManifests()
    const manifests = await reader.currentSnapshot()!.manifests()
    expect(manifests.length).toBe(MANIFESTS)
    const files = await collect(reader.files())
    expect(counted.reads).toBe(1 + MANIFESTS)
    expect(counted.atOnce).toBeGreaterThan(8)
    const oneByOne: string[] = []
    for (const manifest of manifests) {
      for await (const { dataFile } of manifest.entries()) oneByOne.push(dataFile.path)
    }
    expect(files.map(({ path }) => path)).toEqual(oneByOne)
  })

  test('who stops early has not read them all', async () => {
    const { reader, counted } = await manyManifests()
    for await (const _ of reader.files()) break
    expect(counted.reads).toBeLessThanOrEqual(1 + 16)
  })
})
