import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { EXIT, exitCodeOf } from '../../src/cli/exit-code.ts'
import { asDataShardError, errorReport } from '../../src/cli/report-error.ts'
import { DataShardError, type ErrorCode } from '../../src/errors.ts'
import { type S3Server, startS3Server } from '../support/s3-server.ts'
import { datashard } from './memory-io.ts'

describe('exit codes', () => {
  test.each<[ErrorCode, number]>([
    ['invalid-argument', 2],
    ['not-found', 1],
    ['already-exists', 1],
    ['commit-conflict', 3],
    ['commit-contention', 3],
    ['commit-unknown', 4],
    ['unavailable', 1],
    ['denied', 1],
    ['corrupt', 1],
    ['unsupported', 1],
    ['aborted', 3],
    ['internal', 1],
  ])('%s is %d', (code, exit) => {
    expect(exitCodeOf(new DataShardError(code, 'x'))).toBe(exit)
  })

  test('a row that does not fit is a failure and not wrong usage; what may be committed is unknown', () => {
    expect(exitCodeOf(new DataShardError('invalid-argument', 'x', { details: { row: 0 } }))).toBe(EXIT.failed)
    expect(exitCodeOf(new DataShardError('aborted', 'x', { committed: 'unknown' }))).toBe(EXIT.unknown)
    expect(exitCodeOf(new TypeError('x'))).toBe(EXIT.failed)
  })
})

describe('reports', () => {
  test('what the operating system says is told in words', () => {
    const full = Object.assign(new Error('ENOSPC: ...'), { code: 'ENOSPC', path: '/x/y' })
    expect(errorReport(full, { json: false, debug: false })).toBe('error: /x/y: there is no space left on the device\n')
    expect(asDataShardError(Object.assign(new Error('x'), { code: 'EROFS' })).code).toBe('denied')
  })

  test('anything that is not ours is called a bug, with how to learn more', () => {
    const text = errorReport(new TypeError('x is not a function'), { json: false, debug: false })
    expect(text).toMatch(/^error: x is not a function\nThis is a bug of DataShard.*DATASHARD_DEBUG=1/)
    expect(text).not.toMatch(/\n\s+at /)
  })

  test('with debug the causes are there, too', () => {
    const error = new DataShardError('corrupt', 'outer', { cause: new Error('inner') })
    expect(errorReport(error, { json: false, debug: true })).toMatch(/outer[^]*caused by: Error: inner[^]*\n\s+at /)
    expect(JSON.parse(errorReport(error, { json: true, debug: true }))).toMatchObject({
      error: { stack: expect.any(String) },
    })
  })
})

describe('what errors advise', () => {
  let directory: string
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'datashard-advice-'))
    await datashard(['create', join(directory, 't'), '--schema', 'id long'])
  })
  afterAll(() => rm(directory, { recursive: true, force: true }))

  test.each<[string, string[], string, string]>([
    ['a table that is there', ['create', 't', '--schema', 'id long'], '', 'say --if-not-exists to use it as it is'],
    ['a table that is not', ['scan', 'none'], '', 'create it with `datashard create`, or'],
    ['a column that is not', ['append', 't'], '{"colour":1}\n', 'or say --unknown-columns ignore'],
  ])('%s: it is told in options of the command line', async (_, [command, name, ...more], input, advice) => {
    const args = [command!, join(directory, name!), ...more]
    for (const json of [[], ['--json']]) {
      const { code, stderr } = await datashard([...args, ...json], { stdin: input })
      expect([code, stderr]).toEqual([1, expect.stringContaining(advice)])
      expect(stderr).not.toMatch(/ifNotExists|createTable|unknownColumns/)
    }
  })
})

describe('against a store that fails', () => {
  let server: S3Server
  let s3: readonly string[]

  beforeAll(async () => {
    server = await startS3Server({ buckets: ['bucket'] })
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'test')
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test')
    s3 = ['--endpoint', server.endpoint, '--region', 'us-east-1']
    await datashard(['create', 's3://bucket/t', '--schema', 'id long', '--skip-probe', ...s3])
  })
  afterAll(async () => {
    vi.unstubAllEnvs()
    await server.stop()
  })

  const append = (...options: string[]) =>
    datashard(['append', 's3://bucket/t', ...s3, ...options], { stdin: '{"id":1}' })

  test('an append and a scan on S3', async () => {
    expect(await append()).toMatchObject({ code: 0, stderr: '' })
    expect((await datashard(['scan', 's3://bucket/t', '--count', ...s3])).stdout).toBe('1\n')
  })

  test('a commit whose answer never comes: exit code 4, and what to make of it', async () => {
    let sent = false
    server.options.faults = ({ operation, key }) => {
      if (!key.endsWith('v3.metadata.json')) return undefined
      if (operation !== 'PutObject') return sent ? { kind: 'reset', when: 'before' } : undefined
      sent = true
      return { kind: 'reset', when: 'after' }
    }
    const { code, stderr } = await append('--timeout', '1', '--json')
    server.options.faults = undefined
    expect(code).toBe(4)
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'commit-unknown', committed: 'unknown', exitCode: 4 } })
  })

  test('no rights: exit code 1, named', async () => {
    server.options.deny = 'AccessDenied'
    const { code, stderr } = await append()
    server.options.deny = undefined
    expect(code).toBe(1)
    expect(stderr).toMatch(/^error: .*s3:\/\/bucket/)
  })

  test('a bucket that is not there', async () => {
    const { code, stderr } = await datashard(['log', 's3://nobody/t', ...s3])
    expect(code).toBe(1)
    expect(stderr).toMatch(/nobody/)
  })
})

describe('interrupted', () => {
  test('an append is aborted before it begins: exit code 3, nothing there', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'exit-'))
    await datashard(['create', directory, '--schema', 'id long'])
    const { code, stderr } = await datashard(['append', directory], {
      stdin: '{"id":1}',
      signal: AbortSignal.abort(new Error('interrupted')),
    })
    expect(code).toBe(3)
    expect(stderr).toMatch(/cancelled/)
    expect((await datashard(['scan', directory, '--count'])).stdout).toBe('0\n')
    await rm(directory, { recursive: true })
  })
})
