/**
 * A request that its append gave up arrives all the same, when the append was answered long ago: what it names must be there, and
 * rows that come by it are in the table once.
 */
import { describe, expect, test } from 'vitest'
import type { AppendOptions } from '../../src/index.ts'
import { createTable, identity, loadTable, schema, t } from '../../src/index.ts'
import { DataShardError } from '../../src/errors.ts'
import { memoryStore } from '../../src/store/memory.ts'
import type { ObjectStore } from '../../src/store/store.ts'
import { forwardedFrom } from '../support/forwarded-store.ts'

const LOCATION = 'memory://store/t'
const unknown = { code: 'commit-unknown', committed: 'unknown' }
const columns = schema({ id: t.long, part: t.int, text: t.optional(t.string) })

/** A store whose puts of some keys are silent until they are given up, and arrive when they are told to. */
function lingering(inner: ObjectStore) {
  const late: (() => Promise<unknown>)[] = []
  let fallSilent = () => undefined as void
  const silent = new Promise<void>((resolve) => (fallSilent = resolve))
  const state = { isSilent: (_key: string): boolean => false, before: async (_key: string): Promise<void> => undefined }
  const store: ObjectStore = {
    ...forwardedFrom(inner),
    get: (key, options) => inner.get(key, options),
    head: (key, options) => inner.head(key, options),
    list: (prefix, options) => inner.list(prefix, options),
    delete: (keys, options) => inner.delete(keys, options),
    put: async (key, body, options = {}) => {
      const { signal, ...rest } = options
      await state.before(key)
      if (!state.isSilent(key)) return inner.put(key, body, options)
      return new Promise((resolve, reject) => {
        late.push(() => inner.put(key, body, rest))
        fallSilent()
        const end = () => {
          const cause = new DataShardError('aborted', `writing ${key} was cancelled`)
          if ((rest.mode ?? 'overwrite') === 'overwrite') reject(cause)
          else resolve({ outcome: 'unknown', cause })
        }
        if (signal?.aborted) end()
        signal?.addEventListener('abort', end, { once: true })
      })
    },
  }
  const arrive = async () => {
    state.isSilent = () => false
    for (const one of late.splice(0)) await one()
  }
  return { store, state, late, silent, arrive }
}

const row = (id: number, part = 0) => ({ id, part, text: `text ${id}` })

async function newTable() {
  const inner = memoryStore()
  await createTable(LOCATION, { schema: columns, partitionBy: [identity('part')], store: inner })
  const slow = lingering(inner)
  const writer = await loadTable(LOCATION, { store: slow.store })
  const other = await loadTable(LOCATION, { store: inner })
  await writer.append([row(0)])
  await writer.flush()
  const ids = async () => {
    await other.flush()
    await other.refresh()
    return (await other.scan().toArray()).map(({ id }) => Number(id)).toSorted((a, b) => a - b)
  }
  return { ...slow, inner, writer, other, ids }
}

const isVersion = (key: string) => key.endsWith('.metadata.json')
const isIntent = (key: string) => key.includes('/data/in/')

/** Right before the first version is sent, somebody else commits: the append goes on in company. */
function beatenOnce(commit: () => Promise<unknown>): (key: string) => Promise<void> {
  let isBeaten = false
  return async (key) => {
    if (!isVersion(key) || isBeaten) return
    isBeaten = true
    await commit()
  }
}

/** What makes an append end while its request is on its way. */
const ends: readonly (readonly [string, (silent: Promise<void>) => AppendOptions])[] = [
  ['out of time', () => ({ timeoutMs: 300 })],
  [
    'cancelled',
    (silent) => {
      const abort = new AbortController()
      void silent.then(() => abort.abort(new Error('enough')))
      return { signal: abort.signal }
    },
  ],
]
const rows: readonly (readonly [string, { id: number; part: number; text: string }[]])[] = [
  ['one small file', [row(1)]],
  ['several files', [row(1), row(2, 1), row(3, 2)]],
  ['files that were uploaded before', [1, 2, 3].map((id) => ({ ...row(id, id), text: 'x'.repeat(4_000_000) }))],
]

describe.each(ends)('an append that is %s', (_how, end) => {
  describe.each(rows)('of %s', (_what, added) => {
    const all = [0, ...added.map(({ id }) => id)]

    test('while its version is on its way', async () => {
      const { state, late, silent, arrive, writer, ids } = await newTable()
      state.isSilent = isVersion
      await expect(writer.append(added, end(silent))).rejects.toMatchObject(unknown)
      await writer.flush()
      expect(await ids()).toEqual([0])
      expect(late).toHaveLength(1)
      await arrive()
      expect(await ids()).toEqual(all)
      // The same handle goes on upon it.
      await writer.append([row(9)])
      expect(await ids()).toEqual([...all, 9])
    })

    test.each([undefined, 'key'])('while its intent is on its way (idempotency key: %s)', async (idempotencyKey) => {
      const { state, late, silent, arrive, writer, other, ids } = await newTable()
      state.before = beatenOnce(() => other.append([row(8)]))
      state.isSilent = isIntent
      const key = idempotencyKey === undefined ? {} : { idempotencyKey }
      await expect(writer.append(added, { ...end(silent), ...key })).rejects.toMatchObject(unknown)
      await writer.flush()
      expect(late).toHaveLength(1)
      await arrive()
      await other.append([row(9)])
      expect(await ids()).toEqual([...all, 8, 9])
      if (!idempotencyKey) return
      expect(await writer.append(added, { idempotencyKey })).toMatchObject({ replayed: true })
      expect(await ids()).toEqual([...all, 8, 9])
    })
  })
})

test('an append whose key was given again before its intent arrived is in the table once', async () => {
  const { state, late, arrive, writer, other, ids } = await newTable()
  state.before = beatenOnce(() => other.append([row(8)]))
  state.isSilent = isIntent
  await expect(writer.append([row(1)], { timeoutMs: 300, idempotencyKey: 'key' })).rejects.toMatchObject(unknown)
  expect(late).toHaveLength(1)
  expect(await other.append([row(1)], { idempotencyKey: 'key' })).toMatchObject({ replayed: false, rows: 1 })
  await arrive()
  await other.append([row(9)])
  expect(await ids()).toEqual([0, 1, 8, 9])
})
