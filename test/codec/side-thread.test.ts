import { availableParallelism } from 'node:os'
import { describe, expect, test } from 'vitest'
import { SharedSlots } from '../../src/codec/shared-slots.ts'
import { LazyThread, SideThread } from '../../src/codec/side-thread.ts'
import { sideThreadReady } from '../support/side-thread-ready.ts'

/** Doubles numbers, from which it takes as many milliseconds; fails for 13, and ends for 99. */
const PROGRAM = `
await new Promise((resolve) => setTimeout(resolve, data))
return (n) => {
  if (n === 13) throw new Error('unlucky')
  if (n === 99) process.exit()
  return { result: n * 2 }
}
`

describe.runIf(availableParallelism() > 1)('a thread beside', () => {
  const started = async (program: string, load: () => unknown) => (await SideThread.start(program, load))!

  test('does its work in order, and fails piece by piece', async () => {
    const thread = await started(PROGRAM, () => 1)
    const results = await Promise.all([1, 2, 13, 4, 13, 6].map((n) => thread.run(n)))
    expect(results).toEqual([2, 4, undefined, 8, undefined, 12])
    expect(await thread.run(() => 'not to be copied')).toBeUndefined()
    expect(await thread.run(21)).toBe(42)
  })

  test('says when it is ready, also to who never looks for messages; before, it takes work all the same', async () => {
    const thread = await started(PROGRAM, () => 300)
    expect(thread.isReady).toBe(false)
    const early = thread.run(5)
    const until = performance.now() + 10_000
    while (!thread.isReady && performance.now() < until);
    expect(thread.isReady).toBe(true)
    expect(await early).toBe(10)
  })

  test('one that dies, or cannot begin, answers nobody, and is never ready again', async () => {
    const thread = await started(PROGRAM, () => 1)
    await sideThreadReady(() => thread.isReady)
    expect(await Promise.all([1, 99, 3].map((n) => thread.run(n)))).toEqual([2, undefined, undefined])
    expect(thread.isReady).toBe(false)
    expect(await thread.run(1)).toBeUndefined()
    const broken = await started(`await import('no-such-package-at-all')`, () => 1)
    expect(await broken.run(1)).toBeUndefined()
    expect(broken.isReady).toBe(false)
    const unloadable = SideThread.start(PROGRAM, () => {
      throw new Error('not to be found in a bundle')
    })
    expect(await unloadable).toBeUndefined()
  })

  test('that cannot be started is none', async () => {
    const lazy = new LazyThread(() => Promise.reject(new Error('no such module')))
    expect([await lazy.run(1), lazy.isReady]).toEqual([undefined, false])
    lazy.start()
    expect([await lazy.run(1), lazy.isReady, await lazy.run(1)]).toEqual([undefined, false, undefined])
  })
})

describe('shared memory', () => {
  test('is given out piece by piece, up to its number and size, and used again', () => {
    const slots = new SharedSlots(2, 5_000_000)
    const [a, b] = [slots.take(10)!, slots.take(3_000_000)!]
    expect([a.length, b.length]).toEqual([1_048_576, 3_145_728])
    expect([slots.hasRoom(10), slots.take(10)]).toEqual([false, undefined])
    slots.giveBack(b)
    expect([slots.hasRoom(5_000_001), slots.take(5_000_001)]).toEqual([false, undefined])
    expect(slots.hasRoom(5_000_000)).toBe(true)
    const again = slots.take(2_000_000)!
    expect(again.buffer).toBe(b.buffer)
    slots.giveBack(a)
    slots.giveBack(again)
    expect(slots.take(2_000_000)!.buffer).toBe(b.buffer)
    expect(slots.take(1_048_576)!.buffer).toBe(a.buffer)
  })

  test('that is given back twice goes to one', () => {
    const slots = new SharedSlots(3, 5_000_000)
    const first = slots.take(10)!
    slots.giveBack(first)
    slots.giveBack(first)
    const [second, third] = [slots.take(10)!, slots.take(10)!]
    expect(second.buffer).toBe(first.buffer)
    expect(third.buffer).not.toBe(first.buffer)
    // Who had it before has no more say.
    slots.giveBack(first)
    expect(slots.take(10)!.buffer).not.toBe(second.buffer)
    expect(slots.hasRoom(10)).toBe(false)
  })

  test('that there is not is not given', () => {
    expect(new SharedSlots(1, Infinity).take(2 ** 52)).toBeUndefined()
  })
})
