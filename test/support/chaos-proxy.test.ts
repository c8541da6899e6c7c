import { afterAll, beforeAll, expect, test } from 'vitest'
import { CHAOS, startChaosProxy, type Chaos, type ChaosProxy } from './chaos-proxy.ts'
import { startS3Server, type S3Server } from './s3-server.ts'

let server: S3Server
const proxies: ChaosProxy[] = []
beforeAll(async () => {
  server = await startS3Server({ buckets: ['b'] })
})
afterAll(async () => {
  await Promise.all(proxies.map((proxy) => proxy.stop()))
  await server.stop()
})

/** One PUT through a proxy that always does this: the status that came back, and what the server answered by then. */
async function putThrough(kind: Chaos, key: string = kind) {
  const proxy = await startChaosProxy(server.endpoint, { seed: 1, odds: { [kind]: 1 }, maxDelayMs: 300 })
  proxies.push(proxy)
  const put = { method: 'PUT', body: 'x', headers: { 'if-none-match': '*' } }
  const status = await fetch(`${proxy.endpoint}/b/${key}`, put).then(
    (answer) => answer.status,
    () => 'cut' as const,
  )
  return { status, answers: answers(key), proxy }
}

const answers = (key: string): number[] =>
  server.requests.filter((request) => request.key === key).map((request) => request.status)

test.for([
  ['cut-before', 'cut', []],
  ['cut-after', 'cut', [200]],
  ['refuse-before', 503, []],
  ['refuse-after', 503, [200]],
  // The second of two conditional creates: the client is told that somebody else was first.
  ['repeat', 412, [200, 412]],
  ['repeat-late', 200, [200]],
  ['late-request', 200, [200]],
  ['late-answer', 200, [200]],
] as const)('chaos proxy > %s: the client sees %s, the server answers %j', async ([kind, status, expected]) => {
  const seen = await putThrough(kind)
  expect(seen).toMatchObject({ status, answers: expected })
  expect(seen.proxy.happened[kind]).toBe(1)
})

test('chaos proxy > repeat-late: the request comes once more when it was long answered', async () => {
  await putThrough('repeat-late', 'late')
  await expect.poll(() => answers('late'), { timeout: 2_000 }).toEqual([200, 412])
})

test('chaos proxy > a seed repeats its run, and each kind has its share', async () => {
  const runs: string[][] = []
  for (let run = 0; run < 2; run++) {
    const odds = Object.fromEntries(CHAOS.map((kind) => [kind, 0.1]))
    const proxy = await startChaosProxy(server.endpoint, { seed: 7, odds, maxDelayMs: 1 })
    proxies.push(proxy)
    for (let i = 0; i < 120; i++) await fetch(`${proxy.endpoint}/b/none`).catch(() => undefined)
    expect(proxy.requests).toBe(120)
    runs.push(CHAOS.map((kind) => `${kind} ${proxy.happened[kind]}`))
    expect(Math.min(...CHAOS.map((kind) => proxy.happened[kind]))).toBeGreaterThan(5)
  }
  expect(runs[1]).toEqual(runs[0])
})
