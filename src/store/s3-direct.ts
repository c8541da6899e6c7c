/**
 * The requests without the SDK's middleware: addressed as the SDK says, with its credentials, sent by its HTTP handler, but
 * signed and read here. A third of the CPU time; see docs/decisions/store-request-cost.md.
 */
import type { IncomingMessage } from 'node:http'
import type { S3Client } from '@aws-sdk/client-s3'
import { systemRuntime } from '../runtime.ts'
import { joinChunks } from './body.ts'
import { cutShort } from './s3-answers.ts'
import type { S3Address } from './s3-address.ts'
import type { Sending } from './s3-exchange.ts'
import type { S3Answer, S3Body, S3Facts, S3Object, S3Page, S3PageQuery, S3Requests } from './s3-requests.ts'
import { pathOf, queryOf, S3Signer } from './s3-signer.ts'
import { DEFAULT_CONTENT_TYPE } from './s3-sdk-requests.ts'
import type { S3Wire } from './s3-wire.ts'
import { originOf } from './s3-wire.ts'
import { parseError, parseListing } from './s3-xml.ts'
import type { PutOptions } from './store.ts'

type Headers = Readonly<Record<string, string | undefined>>
type RequestHeaders = Record<string, string>
type HttpRequest = Parameters<S3Client['config']['requestHandler']['handle']>[0]

/** A signature that is off by more than this was refused for our clock, if it was refused; stores allow 5 to 15 minutes. */
const SKEW_WORTH_CORRECTING_MS = 60_000
const METADATA_PREFIX = 'x-amz-meta-'

interface Outgoing {
  readonly method: string
  /** Encoded, with its slash. */
  readonly path: string
  /** Encoded, with its names in order. */
  readonly query?: string
  readonly headers?: RequestHeaders
  readonly body?: Uint8Array
}

interface Incoming {
  readonly status: number
  readonly headers: Headers
  readonly bytes: Uint8Array
}

export interface DirectOptions {
  readonly client: S3Client
  readonly address: S3Address
  readonly wire: S3Wire
}

export class DirectRequests implements S3Requests {
  readonly #options: DirectOptions
  readonly #origin: string
  readonly #signer: S3Signer

  constructor(options: DirectOptions) {
    this.#options = options
    this.#origin = originOf(options.address)
    this.#signer = new S3Signer(options.address)
  }

  async get(object: S3Object, range: string | undefined, how: Sending): Promise<S3Body> {
    const headers = range === undefined ? {} : { range }
    const { bytes, ...answer } = await this.#exchange({ method: 'GET', ...placeOf(object), headers }, how)
    return { ...answerOf(answer), bytes, size: numberOf(answer.headers['content-length']) }
  }

  async head(object: S3Object, how: Sending): Promise<S3Facts> {
    const answer = await this.#exchange({ method: 'HEAD', ...placeOf(object) }, how)
    const { headers } = answer
    const metadata: Record<string, string> = {}
    for (const name of Object.keys(headers)) {
      if (name.startsWith(METADATA_PREFIX)) metadata[name.slice(METADATA_PREFIX.length)] = headers[name]!
    }
    const lastModifiedMs = Date.parse(headers['last-modified'] ?? '') || undefined
    return { ...answerOf(answer), size: numberOf(headers['content-length']), lastModifiedMs, metadata }
  }

  async put(key: string, body: Uint8Array, { mode, metadata, contentType }: PutOptions, how: Sending) {
    const headers: RequestHeaders = {
      'content-type': contentType ?? DEFAULT_CONTENT_TYPE,
      'content-length': String(body.length),
    }
    if (mode === 'create') headers['if-none-match'] = '*'
    else if (typeof mode === 'object') headers['if-match'] = mode.ifMatch
    for (const name of Object.keys(metadata ?? {})) headers[METADATA_PREFIX + name] = metadata![name]!
    return answerOf(await this.#exchange({ method: 'PUT', path: pathOf(key), headers, body }, how))
  }

  async list({ prefix, maxKeys, token, startAfter }: S3PageQuery, how: Sending): Promise<S3Page> {
    const values: Record<string, string> = {
      'list-type': '2',
      'encoding-type': 'url',
      'max-keys': String(maxKeys),
      prefix,
    }
    if (token !== undefined) values['continuation-token'] = token
    if (startAfter !== undefined) values['start-after'] = startAfter
    const incoming = await this.#exchange({ method: 'GET', path: '/', query: queryOf(values) }, how)
    const page = parseListing(textOf(incoming.bytes))
    if (page === undefined) throw errorOf(incoming, false)
    if (page === 'cut') throw cutShort('a listing ended before its end')
    return page
  }

  async delete(key: string, how: Sending): Promise<void> {
    await this.#exchange({ method: 'DELETE', path: pathOf(key) }, how)
  }

  async #exchange(outgoing: Outgoing, { options, attempt }: Sending): Promise<Incoming> {
    const { client, wire } = this.#options
    const skewMs = wire.machineOffsetMs
    const request = await this.#request(outgoing, skewMs)
    attempt.sent = true
    const sent = wire.sending(this.#origin)
    const { response } = await client.config.requestHandler.handle(request, options)
    wire.answered(response.headers, sent)
    const bytes = await bytesOf(response.body as IncomingMessage)
    const incoming = { status: response.statusCode, headers: response.headers, bytes }
    if (incoming.status >= 200 && incoming.status < 300) return incoming
    throw errorOf(incoming, Math.abs(wire.machineOffsetMs - skewMs) >= SKEW_WORTH_CORRECTING_MS)
  }

  async #request({ method, path, query = '', headers = {}, body }: Outgoing, skewMs: number): Promise<HttpRequest> {
    const { address, client } = this.#options
    const { protocol, hostname, port, basePath, userAgent } = address
    const whole = basePath + path
    headers['host'] = address.host
    const credentials = await client.config.credentials()
    const signable = { method, path: whole, query, headers, body }
    const signed = this.#signer.sign(signable, credentials, systemRuntime.now() + skewMs)
    signed['user-agent'] = userAgent
    const sent = { protocol, hostname, port, method, path: query === '' ? whole : `${whole}?${query}`, query: {} }
    return { ...sent, headers: signed, body } as HttpRequest
  }
}

function placeOf({ key, versionId }: S3Object): Pick<Outgoing, 'path' | 'query'> {
  return { path: pathOf(key), ...(versionId !== undefined && { query: queryOf({ versionId }) }) }
}

function answerOf({ status, headers }: Pick<Incoming, 'status' | 'headers'>): S3Answer {
  return { status, etag: headers['etag'] }
}

function numberOf(header: string | undefined): number | undefined {
  return header === undefined ? undefined : Number(header)
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
}

function bytesOf(body: IncomingMessage): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = []
    body.on('data', (chunk: Uint8Array) => chunks.push(chunk))
    body.on('error', reject)
    body.on('end', () => {
      const { buffer, byteOffset, byteLength } = joinChunks(chunks)
      // Not a Buffer, whose slice() is another.
      resolve(new Uint8Array(buffer, byteOffset, byteLength))
    })
  })
}

/** The refusal in the shape of the SDK's errors, from which s3-errors.ts tells what it means. */
function errorOf({ status, headers, bytes }: Incoming, clockSkewCorrected: boolean): Error {
  const fields = parseError(textOf(bytes)) ?? {}
  // An answer without a body, to a HEAD above all, has its status to say what is missing.
  const code = fields['Code'] || (status === 404 && bytes.length === 0 ? 'NotFound' : undefined)
  const requestId = fields['RequestId'] ?? headers['x-amz-request-id']
  const error = new Error(fields['Message'] ?? 'UnknownError')
  error.name = code ?? 'UnknownError'
  return Object.assign(error, {
    ...(code !== undefined && { Code: code }),
    ...(fields['Region'] && { Region: fields['Region'] }),
    $metadata: {
      httpStatusCode: status,
      ...(requestId !== undefined && { requestId }),
      ...(clockSkewCorrected && { clockSkewCorrected }),
    },
    $response: { statusCode: status, headers },
  })
}
