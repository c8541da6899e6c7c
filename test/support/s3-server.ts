import { randomUUID } from 'node:crypto'
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { Bucket, S3Error } from './s3-buckets.ts'
import { operationOf, perform, type Reply, type S3State } from './s3-operations.ts'
import { readRequest, type S3Request } from './s3-request.ts'
import { xmlElement } from './s3-xml.ts'

/** AWS refuses requests whose `x-amz-date` is further from its own clock than this. */
const MAX_CLOCK_SKEW_MS = 15 * 60_000

/** What a fault plan sees of a request. `count` is 1 for the first request since the start, or since `reset()`. */
export interface FaultRequest {
  readonly method: string
  readonly operation: string
  readonly bucket: string
  readonly key: string
  readonly query: Readonly<Record<string, string>>
  readonly headers: IncomingHttpHeaders
  readonly count: number
}

/**
 * What goes wrong. `before`: the request has no effect; `after`: it has, and the answer is lost. `hang` holds the request for that long
 * and then carries it out, whether or not the client still waits: an effect that comes late. `duplicate` carries it out twice and sends the
 * second answer, as a retry by a proxy or an SDK does. `truncate` breaks the connection half-way through the answer's body.
 */
export type Fault =
  | { readonly kind: 'status'; readonly status: number; readonly code?: string; readonly when: 'before' | 'after' }
  | { readonly kind: 'reset'; readonly when: 'before' | 'after' }
  | { readonly kind: 'hang'; readonly ms: number }
  | { readonly kind: 'duplicate' }
  | { readonly kind: 'truncate' }

export type Denial = 'SignatureDoesNotMatch' | 'InvalidAccessKeyId' | 'AccessDenied' | 'RequestTimeTooSkewed'

export interface S3ServerOptions {
  /** Buckets that are there from the start. */
  buckets?: readonly string[]
  /** Added to every request, before its effect. */
  delayMs?: number
  faults?: ((request: FaultRequest) => Fault | undefined) | undefined
  /** Answer 200 to every conditional write, as some emulators do. */
  ignoreConditions?: boolean
  /** Check the condition, write a little later: right one request after the other, wrong when raced. */
  conditionalRace?: boolean
  /** Answer every request with this error. Signatures are never checked otherwise. */
  deny?: Denial | undefined
  /** Answer 301 with `x-amz-bucket-region` to requests signed for another region. */
  bucketRegion?: string | undefined
  /** How far this server's clock is ahead of ours: `Date`, `Last-Modified`, and the check of the request's time. */
  clockSkewMs?: number
  /** The longest page of a listing, below S3's 1000, to see many pages with few objects. */
  maxPageKeys?: number
  port?: number
}

export interface LoggedRequest {
  readonly method: string
  /** The S3 operation: `PutObject`, `ListObjectsV2`, ... */
  readonly operation: string
  readonly bucket: string
  readonly key: string
  readonly query: Readonly<Record<string, string>>
  /** 0 when the connection was cut instead. */
  readonly status: number
}

export interface S3Server {
  readonly endpoint: string
  /** May be changed at any time; counts from the next request on. */
  readonly options: S3ServerOptions
  /** In the order of their answers. */
  readonly requests: LoggedRequest[]
  readonly state: S3State
  /** Empties the buckets (those of the options stay, empty) and the log, and puts the options back to what they were at the start. */
  reset(): void
  stop(): Promise<void>
}

/** An S3 server in this process, in memory: fast, faithful where the library looks, and wrong on demand. Path-style addresses only. */
export async function startS3Server(initial: S3ServerOptions = {}): Promise<S3Server> {
  const options: S3ServerOptions = { ...initial }
  const state: S3State = { buckets: new Map(), uploads: new Map() }
  const requests: LoggedRequest[] = []
  let count = 0

  function reset(): void {
    for (const name of Object.keys(options)) delete options[name as keyof S3ServerOptions]
    Object.assign(options, initial)
    state.uploads.clear()
    state.buckets.clear()
    for (const bucket of initial.buckets ?? []) state.buckets.set(bucket, new Bucket())
    requests.length = 0
    count = 0
  }

  async function handle(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const request = await readRequest(message)
    count += 1
    const operation = operationOf(request)
    const { method, bucket, key, query, headers } = request
    const fault = options.faults?.({ method, operation, bucket, key, query, headers, count })
    if (options.delayMs !== undefined && options.delayMs > 0) await sleep(options.delayMs)
    const reply = await answer(request, state, options, fault)
    requests.push({ method, operation, bucket, key, query, status: reply?.status ?? 0 })
    if (reply === undefined) message.socket.resetAndDestroy()
    else send(response, reply, { method, now: clock(options), truncate: fault?.kind === 'truncate' })
  }

  const server = createServer((message, response) => {
    // A client that went away is not this server's failure, and its effects, if any, have been had.
    handle(message, response).catch(() => message.socket.destroy())
  })
  server.keepAliveTimeout = 60_000 // longer than clients keep idle sockets, so that they are never closed under a request
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(initial.port ?? 0, '127.0.0.1', resolve)
  })
  reset()
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const stop = async (): Promise<void> => {
    const closed = new Promise((resolve) => server.close(resolve))
    server.closeAllConnections()
    await closed
  }
  return { endpoint: `http://127.0.0.1:${port}`, options, requests, state, reset, stop }
}

/** The reply to a request under a fault; undefined means that the connection is cut. */
async function answer(
  request: S3Request,
  state: S3State,
  options: S3ServerOptions,
  fault: Fault | undefined,
): Promise<Reply | undefined> {
  if (fault?.kind === 'reset' && fault.when === 'before') return undefined
  if (fault?.kind === 'status' && fault.when === 'before') return faultReply(fault.status, fault.code)
  if (fault?.kind === 'hang') await sleep(fault.ms)
  if (fault?.kind === 'duplicate') await performSafely(request, state, options)
  const reply = await performSafely(request, state, options)
  if (fault?.kind === 'reset') return undefined
  if (fault?.kind === 'status') return faultReply(fault.status, fault.code)
  return reply
}

async function performSafely(request: S3Request, state: S3State, options: S3ServerOptions): Promise<Reply> {
  try {
    refuse(request, options)
    return await perform(request, state, { ...options, now: () => clock(options) })
  } catch (error) {
    if (error instanceof S3Error) return errorReply(error, request)
    process.stderr.write(`s3-server: ${error instanceof Error ? error.stack : String(error)}\n`)
    return faultReply(500)
  }
}

function refuse({ headers, bucket }: S3Request, { deny, bucketRegion, ...options }: S3ServerOptions): void {
  if (deny !== undefined) throw new S3Error(403, deny)
  const signedRegion = /Credential=[^/]+\/\d+\/([^/]+)\//.exec(headers.authorization ?? '')?.[1]
  if (bucketRegion !== undefined && signedRegion !== undefined && signedRegion !== bucketRegion && bucket !== '') {
    const message = 'The bucket you are attempting to access must be addressed using the specified endpoint.'
    throw new S3Error(301, 'PermanentRedirect', message, { 'x-amz-bucket-region': bucketRegion })
  }
  const date = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(String(headers['x-amz-date'] ?? ''))
  if (date === null) return
  const [, year, month, day, hour, minute, second] = date
  const sentMs = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
  if (Math.abs(clock(options).getTime() - sentMs) > MAX_CLOCK_SKEW_MS) throw new S3Error(403, 'RequestTimeTooSkewed')
}

function clock(options: S3ServerOptions): Date {
  return new Date(Date.now() + (options.clockSkewMs ?? 0))
}

const DEFAULT_CODES: Readonly<Record<number, string>> = {
  400: 'InvalidRequest',
  403: 'AccessDenied',
  404: 'NoSuchKey',
  408: 'RequestTimeout',
  409: 'ConditionalRequestConflict',
  412: 'PreconditionFailed',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'SlowDown',
}

function faultReply(status: number, code: string = DEFAULT_CODES[status] ?? 'InternalError'): Reply {
  return errorReply(new S3Error(status, code, 'injected fault'), undefined)
}

function errorReply(error: S3Error, request: S3Request | undefined): Reply {
  const fields = [xmlElement('Code', error.code), xmlElement('Message', error.message)]
  if (request !== undefined) fields.push(xmlElement('BucketName', request.bucket), xmlElement('Key', request.key))
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n<Error>${fields.join('')}</Error>`
  return { status: error.status, headers: { ...error.headers, 'content-type': 'application/xml' }, body }
}

interface SendOptions {
  readonly method: string
  readonly now: Date
  readonly truncate: boolean
}

function send(response: ServerResponse, { status, headers = {}, body = '' }: Reply, how: SendOptions): void {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body
  const bodiless = status === 204 || status === 304
  response.sendDate = false
  response.writeHead(status, {
    ...headers,
    date: how.now.toUTCString(),
    'x-amz-request-id': randomUUID(),
    server: 'datashard-test',
    ...(!bodiless && { 'content-length': bytes.length }),
  })
  if (how.method === 'HEAD' || bodiless) response.end()
  else if (how.truncate) response.write(bytes.subarray(0, bytes.length / 2), () => response.socket?.resetAndDestroy())
  else response.end(bytes)
}
