import { Client } from 'minio'
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest'
import { startDatashard } from './binary.ts'
import { datashard } from './memory-io.ts'

const s3 = inject('s3')
const bucket = `cli-${process.pid}-${Date.now()}`
const table = `s3://${bucket}/deep/prefix/events`
let client: Client

beforeAll(async () => {
  const { hostname, port, protocol } = new URL(s3.endpoint)
  client = new Client({
    endPoint: hostname,
    port: Number(port),
    useSSL: protocol === 'https:',
    accessKey: s3.accessKeyId,
    secretKey: s3.secretAccessKey,
  })
  await client.makeBucket(bucket, s3.region)
  vi.stubEnv('AWS_ACCESS_KEY_ID', s3.accessKeyId)
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', s3.secretAccessKey)
})
afterAll(async () => {
  vi.unstubAllEnvs()
  await client.removeObjects(bucket, await keys())
  await client.removeBucket(bucket)
})

async function keys(): Promise<string[]> {
  const names: string[] = []
  for await (const item of client.listObjectsV2(bucket, '', true)) names.push((item as { name: string }).name)
  return names
}

const endpoint = ['--endpoint', s3.endpoint, '--region', s3.region]

describe('the commands on S3', () => {
  test('doctor before there is a table: all is well, and the bucket is empty afterwards', async () => {
    const { code, stdout } = await datashard(['doctor', table, ...endpoint])
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: expect.stringMatching(/conditional create 16 clients[^]*all is well/),
    })
    expect(await keys()).toEqual([])
  })

  test('create proves the store, append, scan, log, files, verify, doctor', async () => {
    const created = await datashard([
      'create',
      table,
      '--schema',
      'id long not null, g string',
      '--partition',
      'g',
      ...endpoint,
    ])
    expect(created).toMatchObject({ code: 0, stderr: '' })
    const rows = Array.from({ length: 100 }, (_, id) => JSON.stringify({ id, g: `g ${id % 3}` })).join('\n')
    expect(await datashard(['append', table, ...endpoint], { stdin: rows })).toMatchObject({ code: 0, stderr: '' })
    expect((await datashard(['scan', table, '--count', '--where', "g = 'g 1'", ...endpoint])).stdout).toBe('33\n')
    expect((await datashard(['files', table, '--json', ...endpoint])).stdout.trim().split('\n')).toHaveLength(3)
    expect((await datashard(['verify', table, '--deep', '--all', ...endpoint])).stdout).toMatch(/everything is there/)
    expect((await datashard(['doctor', table, ...endpoint])).stdout).toMatch(/all is well/)
  })

  test('what is missing in the bucket is found', async () => {
    const data = (await keys()).find((key) => key.endsWith('.parquet'))!
    await client.removeObject(bucket, data)
    const { code, stdout } = await datashard(['verify', table, ...endpoint, '--json'])
    expect(code).toBe(5)
    expect(JSON.parse(stdout)).toMatchObject({
      ok: false,
      problems: [{ kind: 'missing', object: `s3://${bucket}/${data}` }],
    })
  })

  test('as a process, the endpoint from the environment', async () => {
    const child = startDatashard(['log', table], { AWS_ENDPOINT_URL_S3: s3.endpoint, AWS_REGION: s3.region })
    expect({ code: await child.ended, stderr: child.stderr() }).toEqual({ code: 0, stderr: '' })
    expect(child.stdout()).toMatch(/append +100 +3 +100/)
  })

  test('wrong credentials are denied, with a next step and no secret', async () => {
    const child = startDatashard(['log', table, ...endpoint], { AWS_SECRET_ACCESS_KEY: 'wrong-secret-key' })
    expect(await child.ended).toBe(1)
    expect(child.stderr()).toMatch(/^error: /)
    expect(child.stderr()).not.toMatch(/wrong-secret-key|\n\s+at /)
  })

  test('drop leaves the tombstone, the hint, and the versions that writers may still know', async () => {
    expect((await datashard(['drop', table, '--yes', ...endpoint])).code).toBe(0)
    const left = (await keys()).map((key) => key.split('/').at(-1))
    expect(left).toEqual(['v1.metadata.json', 'v2.metadata.json', 'v3.metadata.json', 'version-hint.text'])
  })
})
