/**
 * Lambda on SQS under stress, `npm run stress:lambda`: the SQS example's bundle in many processes under AWS's runtime client, killed at
 * random moments, poison among the messages, on MinIO. Another engine says what is in the table. Exit 1 if a row is lost or doubled, or
 * poison is missing in the dead letters.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { bundleFunction } from '../../test/support/bundle.ts'
import { startDelayProxy } from '../../test/support/delay-proxy.ts'
import { startS3 } from '../../test/support/minio.ts'
import { seeded } from '../../test/support/seeded.ts'
import { minioClient } from '../../test/support/tables.ts'
import { FunctionInstance } from '../../test/lambda-runtime/instance.ts'
import { runtimeClient } from '../../test/lambda-runtime/install.ts'
import { runStress } from '../../test/lambda-runtime/stress.ts'
import { figure, quantile } from '../support/figures.ts'
import { isClean, judgeIds } from '../support/verdict.ts'

const { values } = parseArgs({
  options: {
    functions: { type: 'string', default: '64' },
    messages: { type: 'string', default: '10000' },
    batch: { type: 'string', default: '20' },
    killed: { type: 'string', default: '0.2' },
    poison: { type: 'string', default: '0.01' },
    // The function's time too: AWS takes no event source whose function may run longer.
    'visibility-ms': { type: 'string', default: '45000' },
    receives: { type: 'string', default: '8' },
    'limit-s': { type: 'string', default: '1200' },
    seed: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
  },
})

const folder = await mkdtemp(join(tmpdir(), 'datashard-stress-'))
const s3 = await startS3()
const proxy = await startDelayProxy(s3.endpoint, 0)
try {
  await minioClient(s3).makeBucket('stress')
  const location = 's3://stress/orders'
  const source = join(import.meta.dirname, '../../examples/lambda-sqs/handler.ts')
  const { main } = await bundleFunction(source, join(folder, 'function'), { sdk: false })
  const env = {
    TABLE_LOCATION: location,
    AWS_ENDPOINT_URL_S3: proxy.endpoint,
    AWS_ACCESS_KEY_ID: s3.accessKeyId,
    AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
    AWS_REGION: s3.region,
  }
  const client = await runtimeClient()
  const instance = {
    node: process.execPath,
    clientArgs: client.args,
    main,
    env,
    timeoutMs: Number(values['visibility-ms']),
  }
  // The table is made, and the store tried, before anything is counted.
  const first = await FunctionInstance.start(instance)
  await first.invoke({ Records: [] })
  await first.stop()
  proxy.reset()
  const result = await runStress({
    instance,
    functions: Number(values.functions),
    messages: Number(values.messages),
    batchSize: Number(values.batch),
    killedShare: Number(values.killed),
    poisonShare: Number(values.poison),
    visibilityTimeoutMs: Number(values['visibility-ms']),
    maxReceiveCount: Number(values.receives),
    limitMs: Number(values['limit-s']) * 1_000,
    random: seeded(Number(values.seed)),
  })
  const requests = proxy.total
  const verdicts = await judgeIds(
    ['pyiceberg', 'duckdb'],
    { location, s3 },
    { acknowledged: result.good, possible: new Set() },
  )
  const { good, durationsMs, ...counts } = result
  const figures = {
    ...counts,
    messages: Number(values.messages),
    'rows/s': (0.9 * good.size) / (result.mostMs / 1_000),
    'requests per message': requests / Number(values.messages),
    p50Ms: quantile(durationsMs, 0.5),
    p99Ms: quantile(durationsMs, 0.99),
    client: client.native ? 'aws-lambda-ric' : 'aws-lambda-ric without its native part',
    node: process.version,
    store: s3.kind,
    requests: proxy.requests,
  }
  if (values.json) console.log(JSON.stringify({ figures, verdicts }))
  else {
    for (const [name, value] of Object.entries(figures)) {
      console.log(`${name.padEnd(22)} ${typeof value === 'number' ? figure(value) : JSON.stringify(value)}`)
    }
    for (const verdict of verdicts) console.log(JSON.stringify(verdict))
  }
  const isRight = verdicts.every(isClean) && result.poisonDead === result.poison
  console.log(isRight ? 'every good message is in the table once, every poison message in the dead letters' : 'WRONG')
  if (!isRight) process.exitCode = 1
} finally {
  await proxy.stop()
  await s3.stop()
  await rm(folder, { recursive: true, force: true })
}
