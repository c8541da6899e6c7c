/** The stress of `npm run stress`, small: processes that append single rows; nothing lost, nothing doubled, says another engine. */
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { summarize } from '../../bench/stress/report.ts'
import { runStress } from '../../bench/stress/stress.ts'
import { buildLibrary, type Built } from '../../bench/support/built.ts'
import { localPlace, s3Place } from '../../bench/support/places.ts'

const PROCESSES = 4
const OPERATIONS = 50
const TIMEOUT_MS = 300_000

const s3 = inject('s3')
let built: Built
beforeAll(async () => {
  built = await buildLibrary()
}, 120_000)
afterAll(() => built?.[Symbol.asyncDispose]())

describe(`stress > ${PROCESSES} processes x ${OPERATIONS} appends`, () => {
  test.for(['local', s3.kind])(
    'on %s: none lost, none doubled, none failed',
    { timeout: TIMEOUT_MS },
    async (where) => {
      await using place = await (where === 'local' ? localPlace(join(built.directory, 'stress')) : s3Place(s3))
      const summary = summarize(
        await runStress(built, place, {
          processes: PROCESSES,
          operations: OPERATIONS,
          concurrency: 1,
          timeoutMs: 120_000,
          judges: ['duckdb', 'pyiceberg'],
        }),
      )
      expect(summary).toMatchObject({ good: true, failures: [], acknowledged: PROCESSES * OPERATIONS })
      expect(summary.verdicts.map(({ rows, distinct }) => [rows, distinct])).toEqual([
        [PROCESSES * OPERATIONS, PROCESSES * OPERATIONS],
        [PROCESSES * OPERATIONS, PROCESSES * OPERATIONS],
      ])
      // One version may hold many appends, none may hold nothing.
      expect(summary.versions).toBeLessThanOrEqual(PROCESSES * OPERATIONS)
      expect(summary.versions).toBeGreaterThan(0)
    },
  )
})
