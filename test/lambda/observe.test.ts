import type {
  DynamoDBStreamHandler,
  FirehoseTransformationHandler,
  KinesisStreamHandler,
  SNSHandler,
  SQSHandler,
} from 'aws-lambda'
import { afterEach, describe, expect, expectTypeOf, test, vi } from 'vitest'
import { z } from 'zod'
import type { InvocationNumbers } from '../../src/lambda/index.ts'
import { appendHandler } from '../../src/lambda/index.ts'
import { context, handlerOn, newTable, sample } from './fixture.ts'
import { failures, messages } from './messages.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

/** What is written to stdout from now on. */
function stdout(): string[] {
  const lines: string[] = []
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    lines.push(String(text))
    return true
  })
  return lines
}

interface Emf extends InvocationNumbers {
  _aws: {
    Timestamp: number
    CloudWatchMetrics: { Namespace: string; Dimensions: string[][]; Metrics: { Name: string }[] }[]
  }
  Source: string
  FunctionName: string
  table: string
  requestId: string
}

describe('one line of metrics', () => {
  test('for each invocation, in the embedded metric format', async () => {
    const store = await newTable()
    const handler = handlerOn(store, { metrics: undefined as never })
    const lines = stdout()
    await handler(messages({ a: { id: 'a' }, b: { id: 'b' }, bad: 'x' }), context())
    await handler(messages({ b: { id: 'b' }, c: { id: 'c' } }), context())
    vi.restoreAllMocks()
    const [first, second, ...more] = lines.map((line) => JSON.parse(line) as Emf)
    expect(more).toEqual([])
    expect(first).toMatchObject({
      Source: 'sqs',
      FunctionName: 'ingest',
      table: 'memory://store/events',
      requestId: 'c6af9ac6-7b61-11e6-9a41-93e8deadbeef',
      Records: 3,
      Rows: 2,
      Rejected: 1,
      Failed: 1,
      Replayed: 0,
      FoldSize: 1,
      Attempts: 1,
      ColdStart: 1,
    })
    expect(second).toMatchObject({ Records: 2, Rows: 1, Rejected: 0, Failed: 0, Replayed: 1, ColdStart: 0 })
    const { _aws: emf } = first!
    const [directive] = emf.CloudWatchMetrics
    expect(directive).toMatchObject({ Namespace: 'DataShard', Dimensions: [['FunctionName', 'Source']] })
    // CloudWatch drops a metric of which the line has no value, and a line whose directive has more than 100.
    for (const { Name } of directive!.Metrics) expect(first![Name as keyof InvocationNumbers]).toBeTypeOf('number')
    expect(first!.Requests).toBeGreaterThanOrEqual(4 + 2)
    expect(first!.AppendMs).toBeGreaterThan(0)
    expect(first!.DurationMs).toBeGreaterThanOrEqual(first!.AppendMs)
  })

  test('goes to Powertools instead, if it is given', async () => {
    const store = await newTable()
    const added = new Map<string, number>()
    let published = 0
    const metrics = {
      addMetric: (name: string, _: string, value: number) => void added.set(name, value),
      publishStoredMetrics: () => void published++,
    }
    const annotations = new Map<string, unknown>()
    const tracer = { putAnnotation: (name: string, value: unknown) => void annotations.set(name, value) }
    const lines = stdout()
    await handlerOn(store, { metrics, tracer })(messages({ a: { id: 'a' } }), context())
    vi.restoreAllMocks()
    expect(lines).toEqual([])
    expect([added.get('Rows'), published]).toEqual([1, 1])
    expect(annotations.get('datashard.rows')).toBe(1)
  })

  test('what a watcher throws does not make a batch fail', async () => {
    const store = await newTable()
    const boom = () => {
      throw new Error('boom')
    }
    const options = {
      metrics: { addMetric: boom },
      tracer: { putAnnotation: boom },
      logger: { debug: boom, info: boom, warn: boom, error: boom },
    }
    const handler = handlerOn(store, options)
    expect(await handler(messages({ a: { id: 'a' }, b: 'x' }), context())).toEqual(failures('b'))
  })
})

test('failures are logged as JSON lines, with what went wrong', async () => {
  const store = await newTable()
  const lines = stdout()
  await handlerOn(store, { logger: undefined as never })(messages({ a: { id: 5 } }), context())
  vi.restoreAllMocks()
  expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
    {
      level: 'ERROR',
      message: '1 of 1 records are to be delivered again',
      error: { code: 'invalid-argument', details: { record: 'a', column: 'id' } },
    },
    { level: 'WARN', message: expect.stringContaining('older than idempotency keys are kept') as string },
  ])
})

test('handlers of one source have the types of @types/aws-lambda', () => {
  const table = './events'
  const sqs: SQSHandler = appendHandler({ table, source: 'sqs' })
  const kinesis: KinesisStreamHandler = appendHandler({ table, source: 'kinesis' })
  const dynamodb: DynamoDBStreamHandler = appendHandler({ table, source: 'dynamodb' })
  const firehose: FirehoseTransformationHandler = appendHandler({ table, source: 'firehose' })
  const sns: SNSHandler = appendHandler({ table, source: 'sns' })
  expect([sqs, kinesis, dynamodb, firehose, sns].every((handler) => typeof handler === 'function')).toBe(true)
  const http = appendHandler({ table, source: 'http' })
  expectTypeOf<Awaited<ReturnType<typeof http>>['statusCode']>().toEqualTypeOf<number>()
  expectTypeOf<Parameters<ReturnType<typeof appendHandler<never>>>[0]>().toEqualTypeOf<unknown>()
  appendHandler({
    table,
    schema: z.object({ n: z.coerce.number() }),
    map: ({ body }) => {
      expectTypeOf(body).toEqualTypeOf<{ n: number }>()
      return body
    },
  })
  // @ts-expect-error no such source
  expect(() => appendHandler({ table, source: 'queue' })).toThrow('source')
})

test('a frozen event is not changed', async () => {
  const store = await newTable()
  const freeze = (value: unknown): unknown => {
    if (typeof value === 'object' && value !== null) Object.values(Object.freeze(value)).forEach(freeze)
    return value
  }
  for (const name of ['sqs', 'kinesis', 'sns', 'eventbridge', 'msk', 'firehose', 'apigateway-v2']) {
    await handlerOn(store)(freeze(sample(name)), context())
  }
  expect(await handlerOn(store)(freeze([{ id: 'x' }]), context())).toMatchObject({ rows: 1 })
})
