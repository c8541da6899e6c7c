import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { Client as MinioClient } from 'minio'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { startDelayProxy } from './delay-proxy.ts'
import { startS3Server, type S3Server } from './s3-server.ts'

const CREDENTIALS = { accessKeyId: 'key', secretAccessKey: 'secret' }
const Bucket = 'the-bucket'
const RACERS = 16

let server: S3Server
let client: S3Client

beforeAll(async () => {
  server = await startS3Server({ buckets: [Bucket] })
  client = clientOf(server.endpoint)
})
beforeEach(() => server.reset())
afterAll(async () => {
  client.destroy()
  await server.stop()
})

function clientOf(endpoint: string, credentials = CREDENTIALS): S3Client {
  return new S3Client({ endpoint, region: 'us-east-1', credentials, forcePathStyle: true, maxAttempts: 1 })
}

async function put(Key: string, Body: Uint8Array | string, more: object = {}): Promise<number> {
  const answer = await client
    .send(new PutObjectCommand({ Bucket, Key, Body, ...more }))
    .catch((error: unknown) => error)
  return (answer as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode ?? 0
}

async function get(Key: string, Range?: string): Promise<string> {
  const answer = await client.send(new GetObjectCommand({ Bucket, Key, ...(Range === undefined ? {} : { Range }) }))
  return (await answer.Body?.transformToString()) ?? ''
}

/** How many of concurrent conditional creates of one key are told that they succeeded. */
async function winners(Key: string): Promise<number> {
  const statuses = await Promise.all(Array.from({ length: RACERS }, (_, i) => put(Key, `${i}`, { IfNoneMatch: '*' })))
  return statuses.filter((status) => status === 200).length
}

/** The names in all pages of a listing; in each page the keys come before the common prefixes. */
async function list(more: object): Promise<string[]> {
  const names: string[] = []
  let token: string | undefined
  do {
    const input = { Bucket, Prefix: 'p/', EncodingType: 'url' as const, ...more }
    const page = await client.send(new ListObjectsV2Command({ ...input, ...(token && { ContinuationToken: token }) }))
    for (const { Key } of page.Contents ?? []) names.push(decodeURIComponent(Key ?? ''))
    for (const { Prefix } of page.CommonPrefixes ?? []) names.push(decodeURIComponent(Prefix ?? ''))
    token = page.NextContinuationToken
  } while (token !== undefined)
  return names
}

async function upload(): Promise<string | undefined> {
  const Key = 'large'
  const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key }))
  const Parts = []
  for (const [index, Body] of [Buffer.alloc(5 * 1024 * 1024, 'a'), Buffer.from('end')].entries()) {
    const PartNumber = index + 1
    const { ETag } = await client.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body }))
    Parts.push({ ETag, PartNumber })
  }
  const input = { Bucket, Key, UploadId, MultipartUpload: { Parts }, IfNoneMatch: '*' }
  return (await client.send(new CompleteMultipartUploadCommand(input))).ETag
}

describe('s3-server > like S3', () => {
  test('an object comes back with its metadata, its ranges, and 404 and 416 where S3 says so', async () => {
    expect(await put('a b/#?%=ä😀.txt', 'hello', { Metadata: { nonce: 'n1' }, ContentType: 'text/x' })).toBe(200)
    expect(await get('a b/#?%=ä😀.txt')).toBe('hello')
    expect(await get('a b/#?%=ä😀.txt', 'bytes=1-2')).toBe('el')
    expect(await get('a b/#?%=ä😀.txt', 'bytes=-2')).toBe('lo')
    const head = await client.send(new HeadObjectCommand({ Bucket, Key: 'a b/#?%=ä😀.txt' }))
    expect(head).toMatchObject({ ContentLength: 5, ContentType: 'text/x', Metadata: { nonce: 'n1' } })
    await expect(get('a b/#?%=ä😀.txt', 'bytes=5-')).rejects.toMatchObject({ name: 'InvalidRange' })
    await expect(get('missing')).rejects.toMatchObject({ name: 'NoSuchKey' })
    const elsewhere = new PutObjectCommand({ Bucket: 'no-such-bucket', Key: 'k', Body: 'x' })
    await expect(client.send(elsewhere)).rejects.toMatchObject({ name: 'NoSuchBucket' })
  })

  test('a conditional create has one winner of many, and If-Match needs the etag', async () => {
    expect(await winners('raced')).toBe(1)
    const { ETag } = await client.send(new HeadObjectCommand({ Bucket, Key: 'raced' }))
    expect(await put('raced', 'new', { IfMatch: ETag })).toBe(200)
    expect(await put('raced', 'newer', { IfMatch: ETag })).toBe(412)
    expect(await put('absent', 'x', { IfMatch: ETag })).toBe(404)
  })

  test('a streamed body arrives whole, without the frames of its aws-chunked encoding', async () => {
    const Body = Readable.from([Buffer.alloc(100_000, 'x'), Buffer.alloc(100_000, 'y')])
    await client.send(new PutObjectCommand({ Bucket, Key: 'streamed', Body, ContentLength: 200_000 }))
    expect(await get('streamed')).toBe('x'.repeat(100_000) + 'y'.repeat(100_000))
  })

  test('listings come in pages, in byte order, by prefix, after a key, with common prefixes', async () => {
    server.options.maxPageKeys = 2
    for (const key of ['p/b', 'p/\u{1f600}', 'p/\uffee', 'p/a b&<', 'p/sub/1', 'p/sub/2', 'q']) await put(key, 'x')
    const inByteOrder = ['p/a b&<', 'p/b', 'p/sub/1', 'p/sub/2', 'p/\uffee', 'p/\u{1f600}']
    expect(await list({})).toEqual(inByteOrder)
    expect(await list({ StartAfter: 'p/sub/1' })).toEqual(inByteOrder.slice(3))
    const grouped = ['p/a b&<', 'p/b', 'p/sub/', 'p/\uffee', 'p/\u{1f600}']
    expect((await list({ Delimiter: '/' })).toSorted()).toEqual(grouped.toSorted())
  })

  test('a multipart upload is made of its parts under the condition of its completion', async () => {
    expect(await upload()).toMatch(/-2"$/)
    expect(await get('large', 'bytes=5242879-')).toBe('aend')
    await expect(upload()).rejects.toMatchObject({ name: 'PreconditionFailed' })
  })

  test('objects are copied and deleted many at once', async () => {
    await put('one & only', '1')
    await client.send(new CopyObjectCommand({ Bucket, Key: 'two', CopySource: `${Bucket}/one%20%26%20only` }))
    expect(await get('two')).toBe('1')
    const Objects = [{ Key: 'one & only' }, { Key: 'two' }, { Key: 'never there' }]
    const { Deleted } = await client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }))
    expect(Deleted).toHaveLength(3)
    expect(server.state.buckets.get(Bucket)?.size).toBe(0)
  })

  test('another S3 client, written by others, understands it', async () => {
    const { port } = new URL(server.endpoint)
    const { accessKeyId: accessKey, secretAccessKey: secretKey } = CREDENTIALS
    const options = { endPoint: '127.0.0.1', port: Number(port), useSSL: false, accessKey, secretKey }
    const minio = new MinioClient(options)
    await minio.makeBucket('other-bucket')
    await minio.putObject('other-bucket', 'dir/a b', 'content')
    expect(await minio.statObject('other-bucket', 'dir/a b')).toMatchObject({ size: 7 })
    const names: string[] = []
    for await (const item of minio.listObjectsV2('other-bucket', '', true)) names.push((item as { name: string }).name)
    expect(names).toEqual(['dir/a b'])
  })
})

describe('s3-server > wrong on demand', () => {
  test('a lost answer: the effect is there or not, as the plan says', async () => {
    server.options.faults = ({ key }) => ({ kind: 'reset', when: key === 'before' ? 'before' : 'after' })
    expect([await put('before', 'x'), await put('after', 'x')]).toEqual([0, 0])
    server.options.faults = ({ key }) => ({ kind: 'status', status: 503, when: key === 'b' ? 'before' : 'after' })
    expect([await put('b', 'x'), await put('a', 'x')]).toEqual([503, 503])
    expect([...(server.state.buckets.get(Bucket)?.keys() ?? [])]).toEqual(['after', 'a'])
    expect(server.requests.map(({ status }) => status)).toEqual([0, 0, 503, 503])
  })

  test('a create that is repeated underneath answers 412 to its own object', async () => {
    server.options.faults = () => ({ kind: 'duplicate' })
    expect(await put('k', 'x', { IfNoneMatch: '*' })).toBe(412)
    server.options.faults = undefined
    expect(await get('k')).toBe('x')
  })

  test('a truncated answer is not taken for the whole', async () => {
    await put('k', 'x'.repeat(1000))
    server.options.faults = () => ({ kind: 'truncate' })
    await expect(get('k')).rejects.toThrow(/aborted|reset/i)
  })

  test('stores that do not keep conditions: some let everything through, some only when raced', async () => {
    server.options.conditionalRace = true
    expect([await put('serial', '1', { IfNoneMatch: '*' }), await put('serial', '2', { IfNoneMatch: '*' })]).toEqual([
      200, 412,
    ])
    expect(await winners('raced')).toBeGreaterThan(1)
    server.options.ignoreConditions = true
    expect(await winners('ignored')).toBe(RACERS)
  })

  test('denials, redirects and clocks carry the codes of S3', async () => {
    for (const deny of [
      'SignatureDoesNotMatch',
      'InvalidAccessKeyId',
      'AccessDenied',
      'RequestTimeTooSkewed',
    ] as const) {
      server.options.deny = deny
      await expect(get('k')).rejects.toMatchObject({ name: deny, $metadata: { httpStatusCode: 403 } })
    }
    server.reset()
    server.options.bucketRegion = 'eu-west-1'
    const redirect = { name: 'PermanentRedirect', $response: { headers: { 'x-amz-bucket-region': 'eu-west-1' } } }
    await expect(get('k')).rejects.toMatchObject(redirect)
    server.reset()
    server.options.clockSkewMs = 3_600_000
    const early = clientOf(server.endpoint)
    const first = early.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x' }))
    await expect(first).rejects.toMatchObject({ name: 'RequestTimeTooSkewed' })
    const { headers } = await fetch(`${server.endpoint}/${Bucket}`)
    expect(Date.parse(headers.get('date') ?? '') - Date.now()).toBeGreaterThan(3_500_000)
  })
})

describe('delay-proxy', () => {
  test('signatures still verify behind it, requests are counted and slowed', async () => {
    const { endpoint, accessKeyId, secretAccessKey } = inject('s3')
    const proxy = await startDelayProxy(endpoint, 40)
    const proxied = clientOf(proxy.endpoint, { accessKeyId, secretAccessKey })
    const bucket = `proxied-${Date.now()}`
    await proxied.send(new CreateBucketCommand({ Bucket: bucket }))
    const started = performance.now()
    const input = { Bucket: bucket, Key: 'a b', Body: 'x'.repeat(3_000_000) }
    await proxied.send(new PutObjectCommand(input))
    expect(performance.now() - started).toBeGreaterThan(40)
    expect(proxy.requests).toEqual({ PUT: 2 })
    proxied.destroy()
    await proxy.stop()
  })
})
