/** The harnesses of `bench/`, small: they count what they claim to count. Times are for the benches themselves. */
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runFlat } from '../../bench/flat/flat.ts'
import { buildLibrary, type Built } from '../../bench/support/built.ts'
import { startChild, type Child } from '../../bench/support/children.ts'
import { runCell } from '../../bench/writers/cell.ts'
import { findContestants } from '../../bench/writers/contestants.ts'
import type { ServerReady } from '../../bench/writers/job.ts'
import type { S3Endpoint } from '../support/minio.ts'
import { startJudges, type Judges } from '../judges/judges.ts'

const WRITERS = 3
const APPENDS = 2
const TIMEOUT_MS = 120_000

let built: Built
beforeAll(async () => {
  built = await buildLibrary()
}, 120_000)
afterAll(() => built?.[Symbol.asyncDispose]())

describe(`bench of writers > ${WRITERS} writers x ${APPENDS} appends on the light server`, () => {
  let judges: Judges
  let server: Child
  let s3: S3Endpoint
  beforeAll(async () => {
    judges = await startJudges(['pyiceberg'])
    const program = await built.program(join(import.meta.dirname, '../../bench/writers/server.ts'))
    server = startChild([process.execPath, program, JSON.stringify({ kind: 'light' })])
    ;({ s3 } = await server.next<ServerReady>(30_000))
  }, 120_000)
  afterAll(async () => {
    server?.kill()
    await server?.exited
    await judges?.stop()
  })

  test.for([
    { of: 'tasks of two processes', clients: 2 },
    { of: 'processes', clients: WRITERS },
  ])('as $of: all rows there once, requests counted', { timeout: TIMEOUT_MS }, async ({ clients }) => {
    const [ours] = await findContestants(built, ['datashard'])
    const options = { writers: WRITERS, appends: APPENDS, warm: 1, delayMs: 10, clients, limitMs: 60_000 }
    const cell = await runCell(ours!, { built, server, s3, judges }, options)
    expect(cell).toMatchObject({ lost: 0, doubled: 0, failed: 0 })
    // Each append puts a file and waits for the version that names it: two round trips and more.
    expect(cell.p50Ms).toBeGreaterThan(20)
    expect(cell.requestsPerAppend).toBeGreaterThan(1)
    expect(cell.byVerb['PUT']).toBeGreaterThan(0)
    expect(cell.clientCpuSeconds).toBeGreaterThan(0)
    expect(cell.serverCpuSeconds).toBeGreaterThan(0)
  })
})

describe('bench of a long history', () => {
  test('tells what an append costs at each milestone', { timeout: TIMEOUT_MS }, async () => {
    const milestones = await runFlat({
      library: built.library,
      directory: undefined,
      milestones: [4, 30],
      delayMs: 5,
      limitMs: 60_000,
    })
    expect(milestones.map(({ commit }) => commit)).toEqual([4, 30])
    for (const { p50Ms, requestsPerAppend, bytesPerAppend, metadataBytes } of milestones) {
      expect(p50Ms).toBeGreaterThan(10)
      // Of one warm writer: data file, manifest, manifest list, version, hint, and what it looks for in the inbox.
      expect(requestsPerAppend).toBeGreaterThanOrEqual(4)
      expect(requestsPerAppend).toBeLessThanOrEqual(7)
      expect(bytesPerAppend).toBeGreaterThan(metadataBytes / 2)
    }
  })

  test('ends at its limit of time, with what it has reached', { timeout: TIMEOUT_MS }, async () => {
    const milestones = await runFlat({
      library: built.library,
      directory: undefined,
      milestones: [4, 1_000_000],
      delayMs: 0,
      limitMs: 2_000,
    })
    expect(milestones.map(({ commit }) => commit)).toEqual([4])
  })
})
