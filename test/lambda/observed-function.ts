/**
 * A function as somebody with middy and Powertools writes it, started by powertools.test.ts in a process of its own, as Lambda starts it: Powertools
 * and X-Ray look at their environment when they are loaded. Its table is in memory; each line of its input is an event, each line beginning with
 * `answer` what came back.
 */
import { Logger } from '@aws-lambda-powertools/logger'
import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware'
import { Metrics } from '@aws-lambda-powertools/metrics'
import { logMetrics } from '@aws-lambda-powertools/metrics/middleware'
import { Tracer } from '@aws-lambda-powertools/tracer'
import { captureLambdaHandler } from '@aws-lambda-powertools/tracer/middleware'
import middy from '@middy/core'
import type { Context } from 'aws-lambda'
import { createInterface } from 'node:readline'
import { createTable, schema, t } from '../../src/index.ts'
import { appendHandler } from '../../src/lambda/index.ts'
import { memoryStore } from '../../src/store/index.ts'

const store = memoryStore()
const table = await createTable('memory://store/events', { schema: schema({ id: t.string }), store })
const logger = new Logger()
const metrics = new Metrics({ namespace: 'Shop' })
const tracer = new Tracer()

export const handler = middy(appendHandler({ table, source: 'sqs', logger, metrics, tracer }))
  .use(injectLambdaContext(logger))
  .use(logMetrics(metrics))
  .use(captureLambdaHandler(tracer))
  .before(({ event }) => {
    // What middlewares are for: the handler sees what they made of the event.
    for (const record of event.Records) record.body = record.body.replace('plain:', '')
  })

for await (const line of createInterface({ input: process.stdin })) {
  const context = {
    awsRequestId: 'c6af9ac6-7b61-11e6-9a41-93e8deadbeef',
    functionName: 'ingest',
    functionVersion: '1',
    memoryLimitInMB: '1024',
    invokedFunctionArn: 'arn:aws:lambda:us-east-1:123456789012:function:ingest',
    getRemainingTimeInMillis: () => 30_000,
  } as Context
  console.log(`answer ${JSON.stringify(await handler(JSON.parse(line) as never, context))}`)
}
console.log(`rows ${await table.scan().count()}`)
