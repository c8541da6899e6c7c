/** HTTP requests as Lambda makes events of them, and the answers back: of a function URL (payload format 2.0), and of a direct call. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Runtime } from '../runtime.ts'
import { uuid } from '../runtime.ts'

/** What a function URL lets through. */
const MAX_BODY_BYTES = 6 * 1024 * 1024
/** Of the emulator in AWS's images: an event is posted there as it is. */
const INVOKE_PATH = '/2015-03-31/functions/function/invocations'

/** A handler with a context that says how much of its time is left. */
type Invoke = (event: unknown) => Promise<unknown>

/** What comes back: this shape, or any other value, which is then the body of a 200. */
interface HttpAnswer {
  readonly statusCode: number
  readonly headers?: Readonly<Record<string, string>>
  readonly cookies?: readonly string[]
  readonly body?: string
  readonly isBase64Encoded?: boolean
}

const JSON_TYPE = { 'content-type': 'application/json' }
const TEXT = /^(?:text\/|application\/(?:json|x-ndjson|xml|x-www-form-urlencoded)|$)/

/**
 * Gives a request to the handler and its answer to the client, as AWS would: 413 for more than 6 MiB, 502 where the handler throws. Gives what the handler
 * threw.
 */
export async function answerRequest(
  request: IncomingMessage,
  response: ServerResponse,
  { invoke, runtime }: { readonly invoke: Invoke; readonly runtime: Runtime },
): Promise<unknown> {
  const body = await bytesOf(request)
  if (body === undefined) {
    send(response, { statusCode: 413, body: 'Request Too Long' })
    return undefined
  }
  const isDirect = request.url === INVOKE_PATH
  const event = isDirect ? parsed(body) : eventOf(request, body, runtime)
  if (event === undefined) {
    send(response, { statusCode: 400, body: 'the event is no JSON' })
    return undefined
  }
  try {
    const answer = await invoke(event)
    send(response, isDirect ? { statusCode: 200, headers: JSON_TYPE, body: JSON.stringify(answer ?? null) } : answer)
    return undefined
  } catch (error) {
    if (isDirect) send(response, functionError(error))
    else send(response, { statusCode: 502, body: 'Internal Server Error' })
    return error
  }
}

/** A direct call that failed is a 200 with a header, as Lambda's API has it. */
function functionError(error: unknown): HttpAnswer {
  const { name, message } = error instanceof Error ? error : new Error(String(error))
  const body = JSON.stringify({ errorType: name, errorMessage: message })
  return { statusCode: 200, headers: { ...JSON_TYPE, 'x-amz-function-error': 'Unhandled' }, body }
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString())
  } catch {
    return undefined
  }
}

function eventOf(request: IncomingMessage, body: Buffer, runtime: Runtime): object {
  const { method = 'GET', url = '/', headers } = request
  const { pathname, searchParams } = new URL(url, 'http://localhost')
  const isBase64Encoded = !TEXT.test(headers['content-type'] ?? '') || headers['content-encoding'] !== undefined
  const nowMs = runtime.now()
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath: pathname,
    rawQueryString: searchParams.toString(),
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)])),
    ...(searchParams.size > 0 ? { queryStringParameters: Object.fromEntries(searchParams) } : {}),
    requestContext: {
      accountId: 'anonymous',
      apiId: 'local',
      domainName: headers.host ?? 'localhost',
      http: {
        method,
        path: pathname,
        protocol: 'HTTP/1.1',
        sourceIp: '127.0.0.1',
        userAgent: headers['user-agent'] ?? '',
      },
      requestId: uuid(runtime),
      routeKey: '$default',
      stage: '$default',
      time: new Date(nowMs).toISOString(),
      timeEpoch: nowMs,
    },
    ...(body.length > 0 ? { body: body.toString(isBase64Encoded ? 'base64' : 'utf8') } : {}),
    isBase64Encoded,
  }
}

function send(response: ServerResponse, answer: unknown): void {
  if (!isHttpAnswer(answer)) {
    response.writeHead(200, JSON_TYPE)
    response.end(JSON.stringify(answer))
    return
  }
  const { statusCode, headers = {}, cookies = [], body = '', isBase64Encoded = false } = answer
  response.writeHead(statusCode, { ...headers, ...(cookies.length > 0 ? { 'set-cookie': [...cookies] } : {}) })
  response.end(Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8'))
}

function isHttpAnswer(answer: unknown): answer is HttpAnswer {
  return typeof answer === 'object' && answer !== null && typeof (answer as HttpAnswer).statusCode === 'number'
}

/** Undefined for more than Lambda takes; the rest is read and forgotten, so that the client hears the answer. */
async function bytesOf(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request) {
    size += (chunk as Buffer).length
    if (size <= MAX_BODY_BYTES) chunks.push(chunk as Buffer)
  }
  return size <= MAX_BODY_BYTES ? Buffer.concat(chunks) : undefined
}
