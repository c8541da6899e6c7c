/** What happens once a commit is certain, or beside it, and must not turn it into something else. */
import { expect, test } from 'vitest'
import { keyIn } from '../../src/commit/place.ts'
import { versionName } from '../../src/commit/version.ts'
import { createTable, loadTable, schema, t } from '../../src/index.ts'
import { memoryStore } from '../../src/store/memory.ts'
import type { ObjectStore } from '../../src/store/store.ts'
import { forwardedFrom } from '../support/forwarded-store.ts'
import { decodeVersion, encodeTable } from '../../src/commit/document.ts'

const LOCATION = 'memory://after/t'
const SCHEMA = schema({ id: t.string })

test('another engine sets a merge target that is no number: appends go on, and lose nothing', async () => {
  const store = memoryStore({ name: 'after' })
  const table = await createTable(LOCATION, { store, schema: SCHEMA })
  await table.append([{ id: 'one' }])
  await table.flush()
  const at = (version: number) => keyIn({ prefix: 't' } as Parameters<typeof keyIn>[0], versionName(version))
  const document = decodeVersion((await store.get(at(2)))!, at(2))
  if (document.kind !== 'table') throw new Error('no table')
  const properties = { ...document.metadata.properties, 'commit.manifest.target-size-bytes': '8MB' }
  await store.put(at(3), encodeTable({ ...document.metadata, properties }, 'another-engine'), { mode: 'create' })
  for (const id of ['two', 'three']) await table.append([{ id }])
  await table.flush()
  const rows = await (await loadTable(LOCATION, { store })).scan().toArray()
  expect(rows.map(({ id }) => id).toSorted()).toEqual(['one', 'three', 'two'])
})

test.each(['commit.manifest.target-size-bytes', 'write.metadata.previous-versions-max'])(
  'we refuse to set %s to what is no number',
  async (name) => {
    const store = memoryStore({ name: 'after' })
    const table = await createTable(LOCATION, { store, schema: SCHEMA })
    const set = table.transaction((tx) => tx.setProperties({ [name]: '8MB' }))
    await expect(set).rejects.toMatchObject({ code: 'invalid-argument' })
  },
)

test('a key that was used for other rows fails its own append, and no other of the same commit', async () => {
  const store = memoryStore({ name: 'after' })
  const table = await createTable(LOCATION, { store, schema: SCHEMA })
  await table.append([{ id: 'x' }], { idempotencyKey: 'k', sameKey: 'compare' })
  const results = await Promise.allSettled([
    table.append([{ id: 'a' }]),
    table.append([{ id: 'y' }], { idempotencyKey: 'k', sameKey: 'compare' }),
    table.append([{ id: 'b' }]),
    table.append([{ id: 'c' }], { idempotencyKey: 'mine' }),
  ])
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled'])
  expect(results[1]).toMatchObject({ reason: { code: 'invalid-argument', committed: 'no' } })
  const rows = await table.scan().toArray()
  expect(rows.map(({ id }) => id).toSorted()).toEqual(['a', 'b', 'c', 'x'])
})

test('flush waits for an append that still reads its input', async () => {
  const store = memoryStore({ name: 'after' })
  const table = await createTable(LOCATION, { store, schema: SCHEMA })
  let end!: () => void
  const ended = new Promise<void>((resolve) => (end = resolve))
  async function* slowly() {
    yield { id: 'first' }
    await ended
    yield { id: 'last' }
  }
  let isDone = false
  const appended = table.append(slowly()).then(() => (isDone = true))
  const flushed = table.flush().then(() => isDone)
  end()
  expect(await flushed).toBe(true)
  await appended
})

test('a look that is slow while the head moves by another call: folded is not taken for never, nothing is there twice', async () => {
  const store = memoryStore({ name: 'after' })
  const others = await createTable(LOCATION, { store, schema: SCHEMA })
  await others.append([{ id: 'first' }])
  let stage: 'begins' | 'lost' | 'looks' = 'begins'
  let isPublished = false
  let release!: () => void
  const released = new Promise<void>((resolve) => (release = resolve))
  let looking!: () => void
  const looks = new Promise<void>((resolve) => (looking = resolve))
  const slow: ObjectStore = {
    ...forwardedFrom(store),
    head: (key, options) => store.head(key, options),
    delete: (keys, options) => store.delete(keys, options),
    put: async (key, body, options) => {
      if (stage === 'begins' && /v\d+\.metadata/.test(key)) {
        stage = 'lost'
        await others.append([{ id: 'wins' }])
      }
      const result = await store.put(key, body, options)
      if (key.includes('data/in/')) isPublished = true
      return result
    },
    list: (prefix, options) => store.list(prefix, { ...options, limit: 0 }),
    get: async (key, options) => {
      if (isPublished && stage === 'lost' && /v\d+\.metadata/.test(key)) {
        stage = 'looks'
        looking()
        await released
      }
      return store.get(key, options)
    },
  }
  const table = await loadTable(LOCATION, { store: slow })
  const mine = table.append([{ id: 'mine' }])
  await looks
  for (let i = 0; i < 20; i++) await others.append([{ id: `${i}` }])
  await table.refresh()
  release()
  await mine
  const rows = await (await loadTable(LOCATION, { store })).scan().toArray()
  expect(rows.filter(({ id }) => id === 'mine')).toHaveLength(1)
  expect(rows).toHaveLength(23)
})
