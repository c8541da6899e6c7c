/** The stack of infra/app.ts as it would be deployed: synthesised by plain Node, linted, its functions run. */
import { execFile } from 'node:child_process'
import { cp, readFile, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { createTable, loadTable, schema, t } from '../../src/index.ts'
import { minioClient, newBucket, s3Options, temporaryDirectory, s3Environment } from '../support/tables.ts'
import { infraPython } from './tools.ts'

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..')
/** CDK writes a DependsOn beside every reference to a role that has policies of its own; it is redundant and harmless. */
const IGNORED_LINTS = ['W3005']
/** Of a function: what it starts with before anything heavy is loaded. Larger means that something is not loaded lazily any more. */
const INDEX_LIMIT_BYTES = 520_000

const run = promisify(execFile)
const s3 = inject('s3')
const python = await infraPython()

interface Template {
  readonly Resources: Record<string, { Type: string; Properties: { Code?: { S3Key: string } } }>
}

let out: Awaited<ReturnType<typeof temporaryDirectory>>
let template: Template

beforeAll(async () => {
  out = await temporaryDirectory()
  await run(process.execPath, ['--import', 'tsx', join(ROOT, 'infra/app.ts')], {
    cwd: ROOT,
    env: { ...process.env, CDK_OUTDIR: out.path },
  })
  template = JSON.parse(await readFile(join(out.path, 'DataShard.template.json'), 'utf8')) as Template
})
afterAll(() => out[Symbol.asyncDispose]())

/** The directory of a function's code, by the beginning of its logical id. */
function codeOf(name: string): string {
  const [, lambda] = Object.entries(template.Resources).find(
    ([id, { Type }]) => Type === 'AWS::Lambda::Function' && id.startsWith(name),
  )!
  return join(out.path, `asset.${lambda.Properties.Code!.S3Key.replace('.zip', '')}`)
}

/** Runs a function's code as Lambda does: in a process of its own that has nothing but the bundle and the environment. */
async function invoke(
  name: string,
  event: unknown,
  environment: Record<string, string>,
): Promise<{ answer: unknown; log: string }> {
  await using folder = await temporaryDirectory()
  await cp(codeOf(name), folder.path, { recursive: true })
  const call = `import { handler } from ${JSON.stringify(pathToFileURL(join(folder.path, 'index.mjs')).href)}
    const answer = await handler(${JSON.stringify(event)}, { getRemainingTimeInMillis: () => 60_000, awsRequestId: 'r' })
    process.stdout.write('ANSWER' + JSON.stringify(answer))
    process.exit(0)`
  await writeFile(join(folder.path, 'call.mjs'), call)
  const env = {
    PATH: process.env['PATH'] ?? '',
    ...s3Environment(s3),
    ...environment,
  }
  const { stdout } = await run(process.execPath, ['call.mjs'], { cwd: folder.path, env })
  const [log = '', answer = 'null'] = stdout.split('ANSWER')
  return { answer: JSON.parse(answer), log }
}

describe('infra/app.ts', () => {
  test.skipIf(python === undefined)('cfn-lint has nothing against the template', async () => {
    const args = ['--ignore-checks', ...IGNORED_LINTS, '--', join(out.path, 'DataShard.template.json')]
    const lint = run(python!, ['-c', 'from cfnlint.runner.cli import main; main()', ...args])
    await expect(lint).resolves.toMatchObject({ stdout: '' })
  })

  test('each function has code of its own, with the wasm beside it', async () => {
    const names = ['LakeEventsQueueFunction', 'LakeMaintenanceFunction', 'LakeGlueFunction']
    expect(new Set(names.map(codeOf)).size).toBe(3)
    expect(codeOf('LakeEventsHttpFunction')).toBe(codeOf('LakeEventsQueueFunction'))
    for (const name of names) {
      expect((await stat(join(codeOf(name), 'parquet_wasm_bg.wasm'))).size).toBeGreaterThan(1_000_000)
      expect((await stat(join(codeOf(name), 'index.mjs'))).size).toBeLessThan(INDEX_LIMIT_BYTES)
    }
  })

  test('its functions append and sweep with nothing but their bundles, and tell CloudWatch', async () => {
    const location = `s3://${await newBucket(s3, 'app')}/events`
    const columns = schema({ id: t.long, name: t.optional(t.string) })
    await (await createTable(location, { schema: columns, s3: s3Options(s3) })).close()
    const message = (id: number) => ({
      messageId: `m${id}`,
      receiptHandle: 'r',
      body: JSON.stringify({ id, name: 'n' }),
      attributes: { SentTimestamp: '1767225600000', ApproximateReceiveCount: '1' },
      messageAttributes: {},
      eventSource: 'aws:sqs',
      eventSourceARN: 'arn:aws:sqs:us-east-1:123456789012:events',
      awsRegion: 'us-east-1',
    })
    const event = { Records: [message(1), message(2)] }
    const ingested = await invoke('LakeEventsQueueFunction', event, { DATASHARD_TABLE: location })
    expect(ingested.answer).toEqual({ batchItemFailures: [] })
    const metrics = ingested.log.split('\n').filter((line) => line.includes('CloudWatchMetrics'))
    expect(metrics.map((line) => JSON.parse(line) as object)).toEqual([
      expect.objectContaining({ Table: location, Appends: 1, FailedAppends: 0, Contention: 0, Attempts: 1 }),
      expect.objectContaining({ Source: 'sqs', Rows: 2, Rejected: 0 }),
    ])
    await using table = await loadTable(location, { s3: s3Options(s3) })
    expect(await table.scan().count()).toBe(2)

    // The same bundle takes notifications of a bucket, as EventBridge puts them into a queue, and batches of Firehose.
    const bucket = await newBucket(s3, 'uploads')
    await minioClient(s3).putObject(bucket, 'in/a b.ndjson', '{"id":3}\n{"id":4}\n')
    const detail = { bucket: { name: bucket }, object: { key: 'in/a b.ndjson', sequencer: '1' } }
    const told = { id: 'e1', source: 'aws.s3', 'detail-type': 'Object Created', time: '2026-01-01T00:00:00Z', detail }
    const notification = { Records: [{ ...message(0), body: JSON.stringify(told) }] }
    const notified = { DATASHARD_TABLE: location, DATASHARD_SOURCE: 's3' }
    expect((await invoke('LakeEventsQueueFunction', notification, notified)).answer).toEqual({ batchItemFailures: [] })
    const records = [{ recordId: 'f1', data: Buffer.from('{"id":5}').toString('base64') }]
    const hose = { deliveryStreamArn: 'arn:aws:firehose:us-east-1:123456789012:deliverystream/s', records }
    const drop = { DATASHARD_TABLE: location, DATASHARD_FIREHOSE: 'drop' }
    expect((await invoke('LakeEventsQueueFunction', hose, drop)).answer).toEqual({
      records: [{ ...records[0], result: 'Dropped' }],
    })
    await table.refresh()
    expect(await table.scan().count()).toBe(5)

    const tables = JSON.stringify([location, `${location}-that-nobody-created`])
    const swept = await invoke('LakeMaintenanceFunction', {}, { DATASHARD_TABLES: tables })
    expect(swept.answer).toEqual([expect.objectContaining({ location, dryRun: false })])
  })
})
