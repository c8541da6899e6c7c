/** Who leaves a scan does not wait for what was being fetched ahead. */
import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { createTable, schema, t } from '../../src/index.ts'
import type { ObjectStore } from '../../src/store/index.ts'
import { memoryStore } from '../../src/store/index.ts'

test('a scan that is left ends at once, whatever the store is busy with', { timeout: 20_000 }, async () => {
  const store = memoryStore()
  let stalledGets = 0
  let isStalled = false
  /** From the third read of a range on, nothing answers until it is cancelled: the footer and a piece come before. */
  const get: ObjectStore['get'] = async (key, options) => {
    if (!isStalled || !key.endsWith('.parquet') || ++stalledGets <= 2) return store.get(key, options)
    return new Promise<undefined>((_, reject) => {
      options?.signal?.addEventListener('abort', () => reject(options.signal!.reason as Error))
    })
  }
  const stalling = new Proxy(store, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name, target)
      return name === 'get' ? get : typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
  const table = await createTable('memory://store/t', {
    store: stalling,
    schema: schema({ id: t.int, text: t.string }),
    properties: { 'write.parquet.row-group-size-bytes': '12000000' },
  })
  const text = Array.from({ length: 400_000 }, (_, id) => ({ id, text: randomBytes(60).toString('base64') }))
  await table.append(text)
  isStalled = true
  for await (const row of table.scan()) {
    expect(row).toEqual(text[0])
    break
  }
  expect(stalledGets).toBeGreaterThan(2)
})
