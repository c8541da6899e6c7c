import { expect, test } from 'vitest'
import { inPieces } from '../../src/cli/input/batching.ts'
import { systemRuntime } from '../../src/runtime.ts'

async function* numbers(count: number, pauseAfter?: number): AsyncGenerator<number> {
  for (let i = 0; i < count; i++) {
    if (i === pauseAfter) await systemRuntime.sleep(150)
    yield i
  }
}

async function pieces(source: AsyncIterator<number>, limits: { rows?: number; ms?: number }): Promise<number[][]> {
  const all: number[][] = []
  for await (const piece of inPieces(source, { rows: limits.rows, ms: limits.ms }, systemRuntime)) {
    const items: number[] = []
    for await (const item of piece) items.push(item)
    all.push(items)
  }
  return all
}

test('by rows: full pieces, then the rest; never an empty one', async () => {
  expect(await pieces(numbers(7), { rows: 3 })).toEqual([[0, 1, 2], [3, 4, 5], [6]])
  expect(await pieces(numbers(6), { rows: 3 })).toEqual([
    [0, 1, 2],
    [3, 4, 5],
  ])
  expect(await pieces(numbers(0), { rows: 3 })).toEqual([])
})

test('by time: what is there when the time is over is a piece, and nothing is lost', async () => {
  expect(await pieces(numbers(5, 3), { ms: 50 })).toEqual([
    [0, 1, 2],
    [3, 4],
  ])
})

test('an error of the source comes through', async () => {
  const source = (async function* () {
    yield 1
    throw new Error('broken')
  })()
  await expect(pieces(source, { rows: 10, ms: 1000 })).rejects.toThrow('broken')
})
