/** Objects with a name of their own, and waiting for several at once. */
import { describe, expect, test } from 'vitest'
import { allEnded, putUnique } from '../../src/commit/upload.ts'
import { DataShardError } from '../../src/errors.ts'
import { replaceWorld } from '../support/replace-world.ts'

const KEY = 't/data/one.parquet'
const BYTES = Uint8Array.of(1, 2, 3)

describe('an object that is written once', () => {
  test('is there when it is said to be; written again, by whatever retry, it does no harm', async () => {
    const { store, files } = replaceWorld()
    await putUnique(files, KEY, BYTES, undefined)
    await putUnique(files, KEY, BYTES, undefined)
    expect(await store.get(KEY)).toEqual(BYTES)
    expect(store.calls.filter(({ verb }) => verb === 'put').map(({ mode }) => mode)).toEqual(['overwrite', 'overwrite'])
  })

  test('of which nobody knows whether it is there is an error, and so is one that the store refused', async () => {
    const { store, files } = replaceWorld()
    const put = () => putUnique(files, KEY, BYTES, undefined)
    store.rule = () => 'lost-after'
    await expect(put()).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining(KEY) as string,
      cause: { message: 'the answer was lost' },
    })
    store.put = async () => ({ outcome: 'precondition-failed' })
    await expect(put()).rejects.toMatchObject({ code: 'unavailable' })
  })

  test('is not written once that is cancelled', async () => {
    const { store, files } = replaceWorld()
    const put = putUnique(files, KEY, BYTES, AbortSignal.abort())
    await expect(put).rejects.toMatchObject({ code: 'aborted' })
    expect(await store.get(KEY)).toBeUndefined()
  })
})

describe('several promises', () => {
  test('give their values in order', async () => {
    expect(await allEnded([Promise.resolve(1), Promise.resolve('two')])).toEqual([1, 'two'])
    expect(await allEnded([])).toEqual([])
  })

  test('of which one fails are waited for all the same, so that nothing is written after the cleaning up', async () => {
    const failed = new DataShardError('unavailable', 'no answer')
    let end = (): void => undefined
    const late = new Promise<void>((resolve) => (end = resolve))
    let hasEnded = false
    const all = allEnded([Promise.reject(failed), late]).finally(() => (hasEnded = true))
    await new Promise((resolve) => setImmediate(resolve))
    expect(hasEnded).toBe(false)
    end()
    await expect(all).rejects.toBe(failed)
  })
})
