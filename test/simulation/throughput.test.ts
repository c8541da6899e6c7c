/**
 * What the protocol allows, on a virtual clock: the same figures on every machine, so that a change of its tempo that costs throughput or
 * requests is seen here. `npm run bench:protocol` shows more.
 */
import { expect, test } from 'vitest'
import { mean, quantile } from '../../bench/support/figures.ts'
import { measureThroughput, type Throughput } from './throughput.ts'

const REQUEST_MS = 40

async function measured(writers: number, seeds: number): Promise<Throughput[]> {
  const runs: Throughput[] = []
  for (let seed = 1; seed <= seeds; seed++) {
    runs.push(await measureThroughput({ seed, writers, appends: 5, warm: 2, requestMs: REQUEST_MS }))
  }
  return runs
}

test.each([
  { writers: 16, seeds: 8, atLeast: 40, requests: 8 },
  { writers: 64, seeds: 4, atLeast: 150, requests: 6 },
  { writers: 256, seeds: 2, atLeast: 400, requests: 6 },
])('$writers writers with 40 ms per request', { timeout: 300_000 }, async ({ writers, seeds, atLeast, requests }) => {
  const runs = await measured(writers, seeds)
  expect(runs.map(({ lost, doubled }) => ({ lost, doubled }))).toEqual(runs.map(() => ({ lost: 0, doubled: 0 })))
  expect(mean(runs.map(({ appendsPerSecond }) => appendsPerSecond))).toBeGreaterThanOrEqual(atLeast)
  expect(mean(runs.map(({ requestsPerAppend }) => requestsPerAppend))).toBeLessThanOrEqual(requests)
  const times = runs.flatMap(({ timesMs }) => timesMs)
  expect(quantile(times, 0.99)).toBeLessThanOrEqual(1_500)
})

test('a lone writer takes two waves of requests and the hint', { timeout: 300_000 }, async () => {
  const [run] = await measured(1, 1)
  // Four objects, the listing and the hint; a wave lasts as long as its slowest request.
  expect(run?.requestsPerAppend).toBeLessThanOrEqual(6)
  expect(mean(run?.timesMs ?? [])).toBeLessThanOrEqual(3 * REQUEST_MS)
})
