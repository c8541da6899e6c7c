import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { mapInOrder } from '../../src/scan/in-order.ts'

describe('work that is done ahead', () => {
  test('an item for which it cannot even begin ends it, after what came before', async () => {
    const seen: number[] = []
    const double = (n: number): Promise<number> => {
      if (n === 3) throw new Error('cannot begin')
      return Promise.resolve(n * 2)
    }
    const read = async () => {
      for await (const n of mapInOrder([1, 2, 3, 4], double, { count: 2 })) seen.push(n)
    }
    await expect(read()).rejects.toThrow('cannot begin')
    expect(seen).toEqual([2, 4])
  })

  test.each(['left', 'ended by an error'])('what nobody takes, when it is %s, is told to who made it', async (how) => {
    const abandoned: number[] = []
    const slowly = async (n: number) => {
      await sleep(n * 10)
      if (n === 5 || (n === 2 && how !== 'left')) throw new Error('failed')
      return n
    }
    const results = mapInOrder([1, 2, 3, 4, 5, 6, 7], slowly, { count: 5, abandon: (n) => abandoned.push(n) })
    expect((await results.next()).value).toBe(1)
    if (how === 'left') await results.return(undefined)
    else await expect(results.next()).rejects.toThrow('failed')
    await sleep(200)
    // Not the first, which was taken; not what failed; nor what had not begun.
    expect(abandoned).toEqual(how === 'left' ? [2, 3, 4, 6] : [3, 4, 6])
  })
})
