/** The examples' bundles as Lambda runs them: AWS's runtime client, on the oldest and the newest Node. */
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { loadTable } from '../../src/table/load.ts'
import { bundleFunction } from '../support/bundle.ts'
import { newBucket, s3Options, temporaryDirectory, s3Environment } from '../support/tables.ts'
import type { Ended, InstanceOptions } from './instance.ts'
import { FunctionInstance } from './instance.ts'
import type { RuntimeClient } from './install.ts'
import { NEWEST_NODE, nodeBinary, OLDEST_NODE, runtimeClient } from './install.ts'
import { Queue } from './sqs.ts'

const EXAMPLES = join(import.meta.dirname, '..', '..', 'examples')
const s3 = inject('s3')

let directory: Awaited<ReturnType<typeof temporaryDirectory>>
let bucket: string
let client: RuntimeClient
let queueMain: string
let urlMain: string
let tables = 0
const running: FunctionInstance[] = []

beforeAll(async () => {
  directory = await temporaryDirectory()
  bucket = await newBucket(s3, 'lambda-runtime')
  client = await runtimeClient()
  const bundle = async (name: string) => {
    const { main } = await bundleFunction(join(EXAMPLES, name, 'handler.ts'), join(directory.path, name), {
      sdk: false,
    })
    return main
  }
  queueMain = await bundle('lambda-sqs')
  urlMain = await bundle('function-url')
})
afterAll(async () => {
  for (const instance of running) await instance.stop()
  await directory?.[Symbol.asyncDispose]()
})

async function start(main: string, node: string, location: string, more: Partial<InstanceOptions> = {}) {
  const env = {
    TABLE_LOCATION: location,
    ...s3Environment(s3),
  }
  const instance = await FunctionInstance.start({
    node,
    clientArgs: client.args,
    main,
    env,
    timeoutMs: 20_000,
    ...more,
  })
  running.push(instance)
  return instance
}

const newLocation = () => `s3://${bucket}/table-${++tables}`

async function idsIn(location: string): Promise<number[]> {
  const table = await loadTable(location, { s3: s3Options(s3) })
  const rows = await table.scan().toArray()
  await table.close()
  return rows.map((row) => Number(row['id'])).toSorted((a, b) => a - b)
}

function queueOf(...ids: number[]): Queue {
  const at = '2026-11-25T09:30:00Z'
  const bodies = ids.map((id) => JSON.stringify({ id, customer: 'ada', total: '1.00', ordered_at: at }))
  const endless = { visibilityTimeoutMs: 0, maxReceiveCount: Infinity, doubledShare: 0 }
  return new Queue(bodies, { ...endless, random: () => 0, now: () => Date.now() })
}

function answerOf(ended: Ended): unknown {
  if (ended.kind !== 'answered') throw new Error(`not answered: ${JSON.stringify(ended)} ${running.at(-1)?.stderr}`)
  return ended.answer
}

describe.each([OLDEST_NODE, NEWEST_NODE])('on Node %s', (version) => {
  let node: string
  beforeAll(async () => {
    node = await nodeBinary(version)
  })

  test('messages are appended, and an instance that was frozen goes on', async () => {
    const location = newLocation()
    const instance = await start(queueMain, node, location)
    const first = queueOf(1, 2).receive(10)!
    expect(answerOf(await instance.invoke(first.event))).toEqual({ batchItemFailures: [] })
    expect(await idsIn(location)).toEqual([1, 2])
    // Frozen for longer than the server keeps its connections.
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    expect(answerOf(await instance.invoke(queueOf(0, 0, 3).receive(10)!.event))).toEqual({ batchItemFailures: [] })
    expect(instance.isAlive).toBe(true)
  })

  test('a request to a function URL is answered with the rows it appended', async () => {
    const location = newLocation()
    const instance = await start(urlMain, node, location)
    const body = '{"name":"a","at":"2026-11-25T09:30:00Z"}\n{"name":"b","at":"2026-11-25T09:31:00Z","value":1.5}\n'
    const event = {
      version: '2.0',
      headers: { 'content-type': 'application/x-ndjson' },
      requestContext: { requestId: 'r-1', http: { method: 'POST', path: '/' }, timeEpoch: 1_764_000_000_000 },
      body,
      isBase64Encoded: false,
    }
    const answer = answerOf(await instance.invoke(event)) as { statusCode: number; body: string }
    expect(answer.statusCode).toBe(200)
    expect(JSON.parse(answer.body)).toMatchObject({ rows: 2 })
  })
})

describe('an instance that is lost', () => {
  test('in the middle of an append: what is delivered again is there once', async () => {
    const location = newLocation()
    const batch = queueOf(1, 2, 3).receive(10)!
    for (const afterMs of [5, 20, 40, 80, 160]) {
      const instance = await start(queueMain, process.execPath, location)
      const ended = instance.invoke(batch.event)
      setTimeout(() => instance.kill(), 250 + afterMs)
      await ended
    }
    const instance = await start(queueMain, process.execPath, location)
    expect(answerOf(await instance.invoke(batch.event))).toEqual({ batchItemFailures: [] })
    expect(await idsIn(location)).toEqual([1, 2, 3])
  })

  test('frozen in the middle of an append, and thawed: what another did meanwhile is seen', async () => {
    const location = newLocation()
    const batch = queueOf(1, 2, 3).receive(10)!
    const slow = await start(queueMain, process.execPath, location)
    const ended = slow.invoke(batch.event)
    setTimeout(() => slow.freeze(), 350)
    await new Promise((resolve) => setTimeout(resolve, 400))
    const other = await start(queueMain, process.execPath, location)
    expect(answerOf(await other.invoke(batch.event))).toEqual({ batchItemFailures: [] })
    slow.thaw()
    expect(answerOf(await ended)).toEqual({ batchItemFailures: [] })
    expect(await idsIn(location)).toEqual([1, 2, 3])
  })

  test('over its time it answers in time which messages are to come again, rather than be killed', async () => {
    const location = newLocation()
    // A store that never answers, from the first invocation on.
    const { createServer } = await import('node:net')
    const hole = createServer(() => undefined).listen(0, '127.0.0.1')
    await new Promise((resolve) => hole.once('listening', resolve))
    const address = hole.address()
    const endpoint = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`
    const env = {
      TABLE_LOCATION: location,
      AWS_ACCESS_KEY_ID: 'a',
      AWS_SECRET_ACCESS_KEY: 'b',
      AWS_REGION: 'us-east-1',
    }
    const more = { timeoutMs: 4_000, env: { ...env, AWS_ENDPOINT_URL_S3: endpoint } }
    const instance = await start(urlMain, process.execPath, location, more)
    const event = {
      requestContext: { http: { method: 'POST' } },
      headers: {},
      body: '{"name":"a","at":"2026-11-25T09:30:00Z"}',
    }
    const answer = answerOf(await instance.invoke(event)) as { statusCode: number }
    expect(answer.statusCode).toBe(503)
    hole.close()
  })

  test('that cannot start says why', async () => {
    const instance = await start(queueMain, process.execPath, 'gopher://nowhere')
    const ended = await instance.invoke(queueOf(1).receive(10)!.event)
    expect(ended).toMatchObject({ kind: 'failed', error: { errorMessage: expect.stringContaining('gopher') } })
  })
})
