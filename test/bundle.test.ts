/** What a function that appends is made of: how large it is deployed, and what is loaded before it is asked for. */
import { join } from 'node:path'
import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import type { Bundle } from './support/bundle.ts'
import { bundleFunction } from './support/bundle.ts'
import { newBucket, temporaryDirectory } from './support/tables.ts'

const run = promisify(execFile)
const HANDLER = join(import.meta.dirname, '..', 'examples', 'lambda-sqs', 'handler.ts')
/** 869 KB when this was written. */
const MAX_BYTES = 1_000_000
/** What is loaded with the handler, 470 KB; with the wasm and its JavaScript, all that most functions ever load. */
const MAX_EAGER_BYTES = 500_000
const MAX_WASM_BYTES = 5_000_000

let directory: Awaited<ReturnType<typeof temporaryDirectory>>
let bundle: Bundle
beforeAll(async () => {
  directory = await temporaryDirectory()
  bundle = await bundleFunction(HANDLER, directory.path, { sdk: false })
})
afterAll(() => directory?.[Symbol.asyncDispose]())

describe('a function that appends, bundled', () => {
  test('has at most 1 MB without the AWS SDK and the wasm', () => {
    console.log(
      `function: ${bundle.bytes} bytes, ${bundle.gzipBytes} gzipped; loaded at once ${bundle.eagerBytes}; wasm ${bundle.wasmBytes}`,
    )
    expect(bundle.bytes).toBeGreaterThan(100_000)
    expect(bundle.bytes).toBeLessThan(MAX_BYTES)
    expect(bundle.wasmBytes).toBeLessThan(MAX_WASM_BYTES)
  })

  test('loads half of that as it starts', () => {
    expect(bundle.eagerBytes).toBeLessThan(MAX_EAGER_BYTES)
  })

  test('loads no package before it needs one', () => {
    expect(bundle.eagerPackages).toEqual([])
  })
})

test('a bundle with the AWS SDK in it appends where the SDK has a say, because there is a profile', async () => {
  const s3 = inject('s3')
  const { main } = await bundleFunction(HANDLER, join(directory.path, 'sdk'), { sdk: true })
  const profile = join(directory.path, 'config')
  await writeFile(profile, '[default]\nregion = us-east-1\n')
  const program = join(directory.path, 'sdk', 'invoke.mjs')
  const body = JSON.stringify({ id: 1, customer: 'ada', ordered_at: '2026-11-25T09:30:00Z' })
  const record = {
    messageId: 'm',
    body,
    attributes: {},
    eventSource: 'aws:sqs',
    eventSourceARN: 'arn:aws:sqs:us-east-1:1:q',
  }
  await writeFile(
    program,
    `const { handler } = await import(${JSON.stringify(main)})
    console.log(JSON.stringify(await handler(${JSON.stringify({ Records: [record] })})))
    process.exit()`,
  )
  const env = {
    PATH: process.env['PATH'],
    AWS_CONFIG_FILE: profile,
    TABLE_LOCATION: `s3://${await newBucket(s3, 'bundle')}/orders`,
    AWS_ENDPOINT_URL_S3: s3.endpoint,
    AWS_ACCESS_KEY_ID: s3.accessKeyId,
    AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
  }
  const { stdout } = await run(process.execPath, [program], { env })
  expect(JSON.parse(stdout.trim().split('\n').at(-1)!)).toEqual({ batchItemFailures: [] })
})
