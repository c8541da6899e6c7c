import { createHash, randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { Bucket, etagOf, listPage, parseRange, S3Error, type PendingUpload, type StoredObject } from './s3-buckets.ts'
import { objectHeaders, verifyDigests, type S3Request } from './s3-request.ts'
import { xmlBlocks, xmlDocument, xmlElement, xmlText } from './s3-xml.ts'

const MAX_KEY_BYTES = 1024
const MAX_PAGE_KEYS = 1000
const MIN_PART_BYTES = 5 * 1024 * 1024
/** Between check and write of a store that races: long enough for concurrent requests to slip in, too short to notice serially. */
const RACE_WINDOW_MS = 10

export interface Reply {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array | string
}

export interface S3State {
  readonly buckets: Map<string, Bucket>
  readonly uploads: Map<string, PendingUpload>
}

export interface OperationOptions {
  readonly ignoreConditions?: boolean
  readonly conditionalRace?: boolean
  readonly maxPageKeys?: number
  readonly now: () => Date
}

type Operation = (request: S3Request, state: S3State, options: OperationOptions) => Reply | Promise<Reply>

/** The name of the S3 operation that a request is: what tests count. */
export function operationOf({ method, bucket, key, query, headers }: S3Request): string {
  if (bucket === '') return 'ListBuckets'
  if (key === '') {
    if (method === 'POST') return 'delete' in query ? 'DeleteObjects' : 'Unsupported'
    if (method === 'GET') return 'location' in query ? 'GetBucketLocation' : 'ListObjectsV2'
    return { PUT: 'CreateBucket', HEAD: 'HeadBucket', DELETE: 'DeleteBucket' }[method] ?? 'Unsupported'
  }
  if (method === 'POST') return 'uploads' in query ? 'CreateMultipartUpload' : 'CompleteMultipartUpload'
  if (method === 'PUT' && 'uploadId' in query) return 'UploadPart'
  if (method === 'PUT') return 'x-amz-copy-source' in headers ? 'CopyObject' : 'PutObject'
  if (method === 'DELETE') return 'uploadId' in query ? 'AbortMultipartUpload' : 'DeleteObject'
  return { GET: 'GetObject', HEAD: 'HeadObject' }[method] ?? 'Unsupported'
}

export async function perform(request: S3Request, state: S3State, options: OperationOptions): Promise<Reply> {
  const operation = OPERATIONS[operationOf(request)]
  if (operation === undefined) throw new S3Error(501, 'NotImplemented', `${request.method} is not implemented here`)
  if (Buffer.byteLength(request.key) > MAX_KEY_BYTES) throw new S3Error(400, 'KeyTooLongError', 'Your key is too long')
  return operation(request, state, options)
}

const OPERATIONS: Readonly<Record<string, Operation>> = {
  ListBuckets: (_request, { buckets }) => {
    const entries = [...buckets.keys()].map((name) => `<Bucket>${xmlElement('Name', name)}</Bucket>`)
    return xml('ListAllMyBucketsResult', `<Buckets>${entries.join('')}</Buckets>`)
  },
  CreateBucket: ({ bucket }, { buckets }) => {
    if (buckets.has(bucket)) throw new S3Error(409, 'BucketAlreadyOwnedByYou')
    buckets.set(bucket, new Bucket())
    return { status: 200, headers: { location: `/${bucket}` } }
  },
  HeadBucket: ({ bucket }, state) => {
    bucketOf(state, bucket)
    return { status: 200 }
  },
  DeleteBucket: ({ bucket }, state) => {
    if (bucketOf(state, bucket).size > 0) throw new S3Error(409, 'BucketNotEmpty')
    state.buckets.delete(bucket)
    return { status: 204 }
  },
  GetBucketLocation: ({ bucket }, state) => {
    bucketOf(state, bucket)
    return xml('LocationConstraint', '')
  },
  ListObjectsV2: listObjects,
  DeleteObjects: deleteObjects,
  GetObject: getObject,
  HeadObject: getObject, // the server drops the body
  PutObject: (request, state, options) => {
    verifyDigests(request)
    const { body, headers } = request
    return write(request, state, options, { body, etag: etagOf(body), headers: objectHeaders(headers) })
  },
  CopyObject: copyObject,
  DeleteObject: ({ bucket, key }, state) => {
    bucketOf(state, bucket).delete(key)
    return { status: 204 }
  },
  CreateMultipartUpload: ({ bucket, key, headers }, state) => {
    bucketOf(state, bucket)
    const uploadId = randomUUID()
    state.uploads.set(uploadId, { bucket, key, headers: objectHeaders(headers), parts: new Map() })
    const content = [xmlElement('Bucket', bucket), xmlElement('Key', key), xmlElement('UploadId', uploadId)]
    return xml('InitiateMultipartUploadResult', content.join(''))
  },
  UploadPart: (request, state) => {
    verifyDigests(request)
    const etag = etagOf(request.body)
    uploadOf(request, state).parts.set(Number(request.query['partNumber']), { body: request.body, etag })
    return { status: 200, headers: { etag } }
  },
  CompleteMultipartUpload: completeUpload,
  AbortMultipartUpload: (request, state) => {
    uploadOf(request, state)
    state.uploads.delete(request.query['uploadId'] ?? '')
    return { status: 204 }
  },
}

function bucketOf(state: S3State, name: string): Bucket {
  const bucket = state.buckets.get(name)
  if (bucket === undefined) throw new S3Error(404, 'NoSuchBucket', 'The specified bucket does not exist')
  return bucket
}

function uploadOf({ query }: S3Request, state: S3State): PendingUpload {
  const upload = state.uploads.get(query['uploadId'] ?? '')
  if (upload === undefined) throw new S3Error(404, 'NoSuchUpload', 'The specified multipart upload does not exist')
  return upload
}

function checkWriteConditions({ headers }: S3Request, existing: StoredObject | undefined): void {
  const ifMatch = headers['if-match']
  if (ifMatch !== undefined && existing === undefined)
    throw new S3Error(404, 'NoSuchKey', 'The specified key does not exist.')
  const failed =
    (headers['if-none-match'] === '*' && existing !== undefined) ||
    (ifMatch !== undefined && ifMatch !== '*' && ifMatch !== existing?.etag)
  if (failed)
    throw new S3Error(412, 'PreconditionFailed', 'At least one of the pre-conditions you specified did not hold')
}

/** The one way an object comes to be: its conditions checked, then written, in one turn of the event loop and so atomically. */
async function write(
  request: S3Request,
  state: S3State,
  options: OperationOptions,
  object: Omit<StoredObject, 'lastModified'>,
): Promise<Reply> {
  const bucket = bucketOf(state, request.bucket)
  if (options.ignoreConditions !== true) {
    checkWriteConditions(request, bucket.get(request.key))
    const conditional = request.headers['if-none-match'] !== undefined || request.headers['if-match'] !== undefined
    if (options.conditionalRace === true && conditional) await sleep(RACE_WINDOW_MS)
  }
  bucket.set(request.key, { ...object, lastModified: options.now() })
  return { status: 200, headers: { etag: object.etag } }
}

function getObject({ bucket, key, headers }: S3Request, state: S3State): Reply {
  const object = bucketOf(state, bucket).get(key)
  if (object === undefined) throw new S3Error(404, 'NoSuchKey', 'The specified key does not exist.')
  const { body, etag, lastModified } = object
  if (headers['if-match'] !== undefined && headers['if-match'] !== etag) throw new S3Error(412, 'PreconditionFailed')
  if (headers['if-none-match'] === etag) return { status: 304, headers: { etag } }
  const range = parseRange(headers.range, body.length)
  const common = { ...object.headers, etag, 'last-modified': lastModified.toUTCString(), 'accept-ranges': 'bytes' }
  if (range === undefined) return { status: 200, headers: common, body }
  // The stored checksum is of the whole: S3 does not send it with a part.
  const whole = Object.entries(common).filter(([name]) => !name.startsWith('x-amz-checksum-'))
  const contentRange = `bytes ${range.start}-${range.end - 1}/${body.length}`
  const partHeaders = { ...Object.fromEntries(whole), 'content-range': contentRange }
  return { status: 206, headers: partHeaders, body: body.subarray(range.start, range.end) }
}

async function copyObject(request: S3Request, state: S3State, options: OperationOptions): Promise<Reply> {
  const source = decodeURIComponent(String(request.headers['x-amz-copy-source'])).replace(/^\//, '')
  const slash = source.indexOf('/')
  const object = bucketOf(state, source.slice(0, slash)).get(source.slice(slash + 1))
  if (object === undefined) throw new S3Error(404, 'NoSuchKey', 'The specified key does not exist.')
  const replaced = request.headers['x-amz-metadata-directive'] === 'REPLACE'
  const copy = { ...object, headers: replaced ? objectHeaders(request.headers) : object.headers }
  await write(request, state, options, copy)
  return xml(
    'CopyObjectResult',
    xmlElement('ETag', object.etag) + xmlElement('LastModified', options.now().toISOString()),
  )
}

function deleteObjects({ bucket, body }: S3Request, state: S3State): Reply {
  const objects = bucketOf(state, bucket)
  const xmlBody = Buffer.from(body).toString('utf8')
  const keys = xmlBlocks(xmlBody, 'Object').map((block) => xmlText(block, 'Key') ?? '')
  if (keys.length === 0 || keys.length > MAX_PAGE_KEYS) throw new S3Error(400, 'MalformedXML')
  for (const key of keys) objects.delete(key)
  const quiet = xmlText(xmlBody, 'Quiet') === 'true'
  const deleted = quiet ? [] : keys.map((key) => `<Deleted>${xmlElement('Key', key)}</Deleted>`)
  return xml('DeleteResult', deleted.join(''))
}

function listObjects({ bucket, query }: S3Request, state: S3State, options: OperationOptions): Reply {
  const token = query['continuation-token']
  const after = token === undefined ? (query['start-after'] ?? '') : Buffer.from(token, 'base64url').toString('utf8')
  const { prefix = '', delimiter = '' } = query
  const limit = Math.min(Number(query['max-keys'] ?? MAX_PAGE_KEYS), options.maxPageKeys ?? MAX_PAGE_KEYS)
  const page = listPage(bucketOf(state, bucket), { prefix, after, delimiter, limit })
  const urlEncoded = query['encoding-type'] === 'url'
  const encode = (key: string): string => (urlEncoded ? encodeURIComponent(key).replaceAll('%2F', '/') : key)
  const content = [
    xmlElement('Name', bucket),
    xmlElement('Prefix', encode(prefix)),
    xmlElement('KeyCount', page.entries.length + page.commonPrefixes.length),
    xmlElement('MaxKeys', limit),
    xmlElement('IsTruncated', page.next !== undefined),
  ]
  if (delimiter !== '') content.push(xmlElement('Delimiter', encode(delimiter)))
  if (urlEncoded) content.push(xmlElement('EncodingType', 'url'))
  if (token !== undefined) content.push(xmlElement('ContinuationToken', token))
  if (page.next !== undefined) {
    content.push(xmlElement('NextContinuationToken', Buffer.from(page.next).toString('base64url')))
  }
  for (const [key, { etag, body, lastModified }] of page.entries) {
    const fields = [xmlElement('Key', encode(key)), xmlElement('LastModified', lastModified.toISOString())]
    fields.push(xmlElement('ETag', etag), xmlElement('Size', body.length), xmlElement('StorageClass', 'STANDARD'))
    content.push(`<Contents>${fields.join('')}</Contents>`)
  }
  for (const common of page.commonPrefixes) {
    content.push(`<CommonPrefixes>${xmlElement('Prefix', encode(common))}</CommonPrefixes>`)
  }
  return xml('ListBucketResult', content.join(''))
}

async function completeUpload(request: S3Request, state: S3State, options: OperationOptions): Promise<Reply> {
  const upload = uploadOf(request, state)
  const bodies: Uint8Array[] = []
  const digests = createHash('md5')
  const wanted = xmlBlocks(Buffer.from(request.body).toString('utf8'), 'Part')
  if (wanted.length === 0) throw new S3Error(400, 'MalformedXML')
  for (const [index, block] of wanted.entries()) {
    const part = upload.parts.get(Number(xmlText(block, 'PartNumber')))
    const etag = xmlText(block, 'ETag')?.replaceAll('"', '')
    if (part === undefined || part.etag !== `"${etag}"`) throw new S3Error(400, 'InvalidPart')
    if (index < wanted.length - 1 && part.body.length < MIN_PART_BYTES) throw new S3Error(400, 'EntityTooSmall')
    bodies.push(part.body)
    digests.update(Buffer.from(part.etag.slice(1, -1), 'hex'))
  }
  const etag = `"${digests.digest('hex')}-${bodies.length}"`
  await write(request, state, options, { body: Buffer.concat(bodies), etag, headers: upload.headers })
  state.uploads.delete(request.query['uploadId'] ?? '')
  const { bucket, key } = request
  const content = [xmlElement('Bucket', bucket), xmlElement('Key', key), xmlElement('ETag', etag)]
  return xml('CompleteMultipartUploadResult', content.join(''))
}

function xml(root: string, content: string): Reply {
  return { status: 200, headers: { 'content-type': 'application/xml' }, body: xmlDocument(root, content) }
}
