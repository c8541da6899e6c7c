/** The examples, run as a reader of them would, with what they are to say. The functions are run in test/lambda-runtime. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { loadTable } from '../../src/table/load.ts'
import { prepareJudges } from '../judges/setup.ts'
import { newBucket, temporaryDirectory, s3Environment } from '../support/tables.ts'

const run = promisify(execFile)
const ROOT = join(import.meta.dirname, '..', '..')

let directory: Awaited<ReturnType<typeof temporaryDirectory>>
beforeAll(async () => {
  directory = await temporaryDirectory()
})
afterAll(() => directory?.[Symbol.asyncDispose]())

/** The lines that the example prints, its table in a directory of its own. */
async function linesOf(name: string, location = join(directory.path, name), env = {}): Promise<string[]> {
  const program = join(ROOT, 'examples', name, 'main.ts')
  const tsx = join(ROOT, 'node_modules', '.bin', 'tsx')
  const { stdout } = await run(tsx, [program, location], {
    cwd: ROOT,
    timeout: 120_000,
    env: { ...process.env, ...env },
  })
  return stdout.trim().split('\n')
}

async function countOf(name: string): Promise<number> {
  await using table = await loadTable(join(directory.path, name))
  return table.scan().count()
}

test('workflow task logs: each try once, and the queries', async () => {
  expect(await linesOf('task-logs')).toEqual([
    "failed tries [ { task: 'load', run: '2026-11-25', try: 1, message: 'timed out' } ]",
    'tries of the last day 4',
    'files that are not of that day and not read true',
    'longest try by task { extract: 71, load: 42, transform: 91 }',
  ])
  expect(await countOf('task-logs')).toBe(10)
})

test('reading with pandas and DuckDB', async ({ skip }) => {
  if (
    await countOf('task-logs').then(
      () => false,
      () => true,
    )
  )
    await linesOf('task-logs')
  const { python, reasons } = await prepareJudges()
  if (python === undefined) return skip(`no Python: ${reasons.join('; ')}`)
  const script = join(ROOT, 'examples', 'reading', 'read.py')
  const { stdout } = await run(python, [script, join(directory.path, 'task-logs')], { timeout: 120_000 })
  const seconds = "{'extract': 71.0, 'load': 42.0, 'transform': 91.0}"
  expect(stdout.trim().split('\n')).toEqual([`pandas ${seconds}`, `duckdb ${seconds}`])
})

test('training metrics: the state after an epoch stays readable', async () => {
  expect(await linesOf('ml-metrics')).toEqual([
    "after epoch 2 { rows: 6, run: 'lr-0.001', epoch: 2, loss: 0.501 }",
    "now { rows: 12, run: 'lr-0.001', epoch: 4, loss: 0.251 }",
  ])
})

test('A/B test: a batch that is sent twice counts once', async () => {
  expect(await linesOf('ab-test')).toEqual([
    'control { exposure: 1000, conversion: 200 } green-button { exposure: 1000, conversion: 143 }',
    'lift -28.5 %, z -3.38',
  ])
  expect(await countOf('ab-test')).toBe(2_343)
})

test('pipeline checkpoints: crashes before and after a commit lose and double nothing', async () => {
  expect(await linesOf('checkpoints')).toEqual([
    'starts at 0',
    'crash before the commit',
    'starts at 300',
    'crash after the commit',
    'starts at 700',
    '1000 rows, 1000 different ones, offset 1000',
  ])
})

test('feature store: as of a time, and as a model was trained', async () => {
  expect(await linesOf('feature-store')).toEqual([
    'as the model was trained [ 2, 5, 0, null ]',
    'as it would be today [ 2, 4, 0, null ]',
  ])
})

test('batch job on a shared bucket: a share that is run again counts once', async () => {
  const s3 = inject('s3')
  const env = {
    ...s3Environment(s3),
  }
  const location = `s3://${await newBucket(s3, 'batch-job')}/revenue`
  expect(await linesOf('batch-job', location, env)).toEqual([
    'share 1 failed and is run again',
    '100 stores, 5000.00 in all',
  ])
})
