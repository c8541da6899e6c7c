import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, inject, test, vi } from 'vitest'
import type { Finding } from '../../src/table/doctor.ts'
import { type S3Server, startS3Server } from '../support/s3-server.ts'
import { datashard } from './memory-io.ts'

interface Diagnosis {
  readonly code: number
  readonly findings: readonly Finding[]
  of(check: string): Finding | undefined
}

async function diagnose(location: string, ...options: string[]): Promise<Diagnosis> {
  const { code, stdout, stderr } = await datashard(['doctor', location, '--json', ...options])
  expect(stderr).toBe('')
  const { findings } = JSON.parse(stdout) as { findings: Finding[] }
  return { code, findings, of: (check) => findings.find((finding) => finding.check === check) }
}

let directory: string

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'doctor-'))
})
afterAll(() => rm(directory, { recursive: true }))

describe('doctor on a directory', () => {
  test('a directory that is not there yet is fine, and is still not there afterwards', async () => {
    const { code, of } = await diagnose(join(directory, 'a/b'))
    expect(code).toBe(0)
    expect(of('conditional create')).toMatchObject({ status: 'ok', found: expect.stringMatching(/exactly one won/) })
    expect(of('table')).toMatchObject({ status: 'ok', found: expect.stringMatching(/none yet/) })
    expect(await readdir(directory)).toEqual([])
  })

  test('directories that were there stay', async () => {
    await mkdir(join(directory, 'kept/metadata'), { recursive: true })
    await diagnose(join(directory, 'kept'))
    expect(await readdir(join(directory, 'kept'), { recursive: true })).toEqual(['metadata'])
  })

  test('people get one line per check and a sentence at the end', async () => {
    const { stdout } = await datashard(['doctor', join(directory, 'c')])
    expect(stdout).toMatch(/^ok {7}location {11}\/.*\n/)
    expect(stdout).toMatch(/\nall is well\n$/)
  })

  test.each([
    ['gs://bucket/x', /scheme 'gs:'/],
    ['./x/metadata/v1.metadata.json', /is one metadata file/],
  ])('%s is a problem with a next step: exit code 5', async (location, found) => {
    const { code, findings } = await diagnose(location)
    expect(code).toBe(5)
    expect(findings).toHaveLength(1)
    expect(findings[0]).toMatchObject({ check: 'location', status: 'problem', found: expect.stringMatching(found) })
    expect(findings[0]!.next).toBeTruthy()
  })
})

describe('doctor on S3', () => {
  let server: S3Server

  beforeAll(async () => {
    server = await startS3Server({ buckets: ['bucket'] })
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'test')
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test')
    vi.stubEnv('AWS_REGION', 'us-east-1')
  })
  afterEach(() => server.reset())
  afterAll(async () => {
    vi.unstubAllEnvs()
    await server.stop()
  })

  const onServer = (location = 's3://bucket/t') => diagnose(location, '--endpoint', server.endpoint)
  const objectsLeft = () => [...server.state.buckets.values()].reduce((sum, objects) => sum + objects.size, 0)

  test('a good store passes every check, and nothing is left in it', async () => {
    const { code, findings } = await onServer()
    expect(findings.filter(({ status }) => status !== 'ok')).toEqual([])
    expect(code).toBe(0)
    expect(server.requests.some(({ operation }) => operation === 'PutObject')).toBe(true)
    expect(objectsLeft()).toBe(0)
  })

  test.each(['ignoreConditions', 'conditionalRace'] as const)('a store with %s is a problem', async (fault) => {
    server.options[fault] = true
    const { code, of } = await onServer()
    expect(code).toBe(5)
    expect(of('conditional create')).toMatchObject({
      status: 'problem',
      next: expect.stringMatching(/do not keep a table/),
    })
  })

  test('a clock that is minutes off is a warning', async () => {
    server.options.clockSkewMs = 5 * 60_000
    const { code, of } = await onServer()
    expect(code).toBe(0)
    expect(of('clock')).toMatchObject({
      status: 'warning',
      found: expect.stringMatching(/300\.\d s ahead of|299\.\d s ahead of/),
    })
  })

  test('missing rights are named, with what to allow', async () => {
    server.options.deny = 'AccessDenied'
    const { code, of } = await onServer()
    expect(code).toBe(5)
    expect(of('list')).toMatchObject({ status: 'problem', next: expect.stringMatching(/s3:ListBucket/) })
  })

  test('who has the wrong key is not told to allow something', async () => {
    server.options.deny = 'SignatureDoesNotMatch'
    const { of } = await onServer()
    expect(of('list')).toMatchObject({
      status: 'problem',
      found: expect.stringMatching(/AWS_SECRET_ACCESS_KEY/),
      next: expect.not.stringMatching(/s3:ListBucket/),
    })
  })

  test('the right to read without the right to write', async () => {
    server.options.faults = ({ operation }) =>
      operation === 'PutObject' ? { kind: 'status', status: 403, code: 'AccessDenied', when: 'before' } : undefined
    const { code, of } = await onServer()
    expect(code).toBe(5)
    expect(of('read')).toMatchObject({ status: 'ok' })
    expect(of('write')).toMatchObject({ status: 'problem', next: expect.stringMatching(/s3:PutObject/) })
    expect(of('table')).toMatchObject({ status: 'ok' })
  })

  test('without the right to delete, what is left is said', async () => {
    server.options.faults = ({ operation }) =>
      operation.startsWith('DeleteObject')
        ? { kind: 'status', status: 403, code: 'AccessDenied', when: 'before' }
        : undefined
    const { code, of } = await onServer()
    expect(code).toBe(5)
    expect(of('delete')).toMatchObject({ status: 'problem' })
    expect(objectsLeft()).toBeGreaterThan(0)
    expect(of('clean-up')).toMatchObject({
      status: 'warning',
      found: expect.stringMatching(/s3:\/\/bucket\/t\/metadata\/_ds\/doctor-/),
    })
  })

  test('a bucket that is not there', async () => {
    const { code, of } = await onServer('s3://nobody/t')
    expect(code).toBe(5)
    expect(of('list')).toMatchObject({
      status: 'problem',
      found: expect.stringMatching(/nobody.*create it, or check its name/),
      next: expect.not.stringMatching(/s3:ListBucket/),
    })
  })

  test('the S3 server of this test run', async () => {
    const s3 = inject('s3')
    vi.stubEnv('AWS_ACCESS_KEY_ID', s3.accessKeyId)
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', s3.secretAccessKey)
    const { code, of } = await diagnose(`s3://no-such-bucket-here/t`, '--endpoint', s3.endpoint)
    expect(code).toBe(5)
    expect(of('list')?.status).toBe('problem')
  })
})
