import { describe, expect, test } from 'vitest'
import { Tempo } from '../../src/commit/tempo.ts'
import { virtualRuntime } from '../support/virtual-runtime.ts'

async function measured(...requestsMs: readonly number[]) {
  const runtime = virtualRuntime(7)
  const tempo = new Tempo(runtime)
  for (const ms of requestsMs) await tempo.measured(() => runtime.sleep(ms))
  return { runtime, tempo }
}

const mean = (count: number, draw: () => number): number =>
  Array.from({ length: count }, draw).reduce((sum, one) => sum + one, 0) / count

describe('tempo', () => {
  test('a commit is 3.5 requests; looks are 3.5 per commit, a little fewer where many wait', async () => {
    const { tempo } = await measured(40)
    expect(tempo.commitMs).toBe(140)
    expect(mean(2_000, () => tempo.pollMs(1))).toBeCloseTo(40.4, 0)
    expect(mean(2_000, () => tempo.pollMs(100))).toBeCloseTo(80, -1)
  })

  test('a slow request is believed slowly, a fast one quickly', async () => {
    expect((await measured(40, 240)).tempo.requestMs).toBeCloseTo(80)
    expect((await measured(240, 40)).tempo.requestMs).toBeCloseTo(120)
    expect((await measured(240, 40, 40, 40, 40)).tempo.requestMs).toBeLessThan(46)
  })

  test('what a fold took is believed up to 250 ms or five requests, and is forgotten', async () => {
    const { runtime, tempo } = await measured(80)
    tempo.folded(5_000)
    expect(tempo.commitMs).toBe(400)
    await runtime.sleep(20_000)
    expect(tempo.commitMs).toBeLessThan(290)
    const local = (await measured(2)).tempo
    local.folded(5_000)
    expect(local.commitMs).toBe(250)
  })

  test('where requests are next to nothing and folds are work, patience is twice the work for each who waits', async () => {
    const { tempo } = await measured(2)
    tempo.folded(114)
    expect(mean(5_000, () => tempo.patienceMs(10)) / 2_020).toBeCloseTo(1, 1)
  })

  test('patience is a request for each who waits; it halves where no commit comes', async () => {
    const { tempo } = await measured(40)
    expect(mean(5_000, () => tempo.patienceMs(10)) / 400).toBeCloseTo(1, 1)
    expect(tempo.impatienceMs(10, 2 * tempo.commitMs)).toBeUndefined()
    expect(mean(5_000, () => tempo.impatienceMs(16, 4 * tempo.commitMs)!) / 80).toBeCloseTo(1, 1)
  })
})
