/** The stress of bench/lambda, small: kills, redeliveries and poison, judged by another engine. */
import { join } from 'node:path'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { isClean, judgeIds } from '../../bench/support/verdict.ts'
import { bundleFunction } from '../support/bundle.ts'
import { seeded } from '../support/seeded.ts'
import { newBucket, temporaryDirectory, s3Environment } from '../support/tables.ts'
import { FunctionInstance } from './instance.ts'
import { runtimeClient } from './install.ts'
import { runStress } from './stress.ts'

const s3 = inject('s3')
let directory: Awaited<ReturnType<typeof temporaryDirectory>>
beforeAll(async () => {
  directory = await temporaryDirectory()
})
afterAll(() => directory?.[Symbol.asyncDispose]())

test('8 functions, 300 messages, a fifth of the invocations killed: each good one once, each poison one dead', async () => {
  const source = join(import.meta.dirname, '../../examples/lambda-sqs/handler.ts')
  const { main } = await bundleFunction(source, directory.path, { sdk: false })
  const location = `s3://${await newBucket(s3, 'lambda-stress')}/orders`
  const env = {
    TABLE_LOCATION: location,
    ...s3Environment(s3),
  }
  const clientArgs = (await runtimeClient()).args
  const instance = { node: process.execPath, clientArgs, main, env, timeoutMs: 30_000 }
  const first = await FunctionInstance.start(instance)
  expect(await first.invoke({ Records: [] })).toMatchObject({ kind: 'answered' })
  await first.stop()
  const result = await runStress({
    instance,
    functions: 8,
    messages: 300,
    batchSize: 10,
    killedShare: 0.2,
    poisonShare: 0.01,
    // Shorter than AWS would take it: what takes longer is delivered to a second function while the first is at it.
    visibilityTimeoutMs: 1_000,
    maxReceiveCount: 8,
    limitMs: 120_000,
    random: seeded(7),
  })
  expect(result.lastFailure).toBeUndefined()
  expect(result.killed).toBeGreaterThan(0)
  expect(result.deliveries).toBeGreaterThan(300)
  expect(result).toMatchObject({ poison: 3, poisonDead: 3 })
  const expected = { acknowledged: result.good, possible: new Set<number>() }
  const verdicts = await judgeIds(['pyiceberg'], { location, s3 }, expected)
  expect(verdicts.length).toBeGreaterThan(0)
  for (const verdict of verdicts) expect(isClean(verdict), JSON.stringify(verdict)).toBe(true)
}, 180_000)
