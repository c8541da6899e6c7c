import { createHash } from 'node:crypto'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { crc32 } from 'node:zlib'
import { S3Error } from './s3-buckets.ts'

/** One request, taken apart: path-style address, decoded body. */
export interface S3Request {
  readonly method: string
  readonly bucket: string
  /** Empty for requests about a bucket. */
  readonly key: string
  readonly query: Readonly<Record<string, string>>
  readonly headers: IncomingHttpHeaders
  readonly body: Uint8Array
}

export async function readRequest(message: IncomingMessage): Promise<S3Request> {
  const raw = await bodyOf(message)
  const url = message.url ?? '/'
  const mark = url.indexOf('?')
  const path = mark === -1 ? url : url.slice(0, mark)
  const slash = path.indexOf('/', 1)
  const query = mark === -1 ? {} : Object.fromEntries(new URLSearchParams(url.slice(mark + 1)))
  const chunked = String(message.headers['x-amz-content-sha256'] ?? '').startsWith('STREAMING-')
  return {
    method: message.method ?? 'GET',
    bucket: decodeURIComponent(slash === -1 ? path.slice(1) : path.slice(1, slash)),
    key: slash === -1 ? '' : decodeURIComponent(path.slice(slash + 1)),
    query,
    headers: chunked ? { ...message.headers, ...trailersOf(raw) } : message.headers,
    body: chunked ? decodeAwsChunked(raw) : raw,
  }
}

/** By events: an iterator over the message takes longer than all that this server does for a small request. */
function bodyOf(message: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    message.on('data', (chunk: Buffer) => chunks.push(chunk))
    message.on('end', () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)))
    message.on('error', reject)
  })
}

/**
 * The `aws-chunked` body that SDKs send when they stream: `SIZE[;chunk-signature=..]\r\n BYTES \r\n ... 0\r\n trailers \r\n`. Its frames
 * travel inside the HTTP body, so node:http does not undo them.
 */
function decodeAwsChunked(raw: Buffer): Uint8Array {
  const chunks: Buffer[] = []
  let at = 0
  for (;;) {
    const lineEnd = raw.indexOf('\r\n', at)
    const size = lineEnd === -1 ? Number.NaN : Number.parseInt(raw.toString('latin1', at, lineEnd), 16)
    if (Number.isNaN(size)) throw new S3Error(400, 'IncompleteBody', 'malformed aws-chunked body')
    if (size === 0) return Buffer.concat(chunks)
    chunks.push(raw.subarray(lineEnd + 2, lineEnd + 2 + size))
    at = lineEnd + 2 + size + 2
  }
}

function trailersOf(raw: Buffer): Record<string, string> {
  // The last frame has no data, so its trailers are the header-like lines at the end; 512 bytes hold any of them.
  const tail = raw.toString('latin1', Math.max(0, raw.length - 512))
  const lines = [...tail.matchAll(/(?:^|\r\n)(x-amz-(?:checksum|sdk)-[a-z0-9-]+):([^\r\n]*)/g)]
  return Object.fromEntries(lines.map((line) => [line[1] ?? '', (line[2] ?? '').trim()]))
}

/** S3 refuses a body that does not match a digest sent with it; that is what the client's checksums are for. */
export function verifyDigests({ headers, body }: S3Request): void {
  const md5 = headers['content-md5']
  if (md5 !== undefined && md5 !== createHash('md5').update(body).digest('base64')) throw badDigest('Content-MD5')
  const crc = headers['x-amz-checksum-crc32']
  if (crc !== undefined && crc !== crc32Base64(body)) throw badDigest('CRC32')
  const sha256 = headers['x-amz-content-sha256']
  if (typeof sha256 === 'string' && /^[0-9a-f]{64}$/.test(sha256)) {
    const actual = createHash('sha256').update(body).digest('hex')
    if (actual !== sha256) throw new S3Error(400, 'XAmzContentSHA256Mismatch')
  }
}

function crc32Base64(body: Uint8Array): string {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(crc32(body))
  return bytes.toString('base64')
}

function badDigest(which: string): S3Error {
  return new S3Error(400, 'BadDigest', `The ${which} you specified did not match what we received.`)
}

const KEPT_HEADERS = ['content-type', 'cache-control', 'content-disposition', 'content-language', 'expires']

/** The headers of a PUT that come back with the object. */
export function objectHeaders(headers: IncomingHttpHeaders): Record<string, string> {
  const kept: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (typeof value !== 'string') continue
    if (KEPT_HEADERS.includes(name) || name.startsWith('x-amz-meta-')) kept[name] = value
    if (/^x-amz-checksum-(crc32|crc32c|crc64nvme|sha1|sha256)$/.test(name)) kept[name] = value
  }
  const encoding = (headers['content-encoding'] ?? '').split(',').map((part) => part.trim())
  const own = encoding.filter((part) => part !== '' && part !== 'aws-chunked').join(',')
  return own === '' ? kept : { ...kept, 'content-encoding': own }
}
