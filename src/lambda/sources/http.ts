/**
 * HTTP: a small ingest API behind API Gateway (REST and HTTP APIs), a load balancer or a function URL. The body is NDJSON, a
 * JSON array or one object, gzipped or not.
 *
 *     POST  ->  200 { rows, version }                    all of it is in the table
 *               207 { rows, version, rejected }          all but the rejected lines is
 *               400 { error, message, rejected? }        nothing is: malformed, or every line is rejected
 *               405, 413, 500, 503 with Retry-After
 */
import { createHash } from 'node:crypto'
import { DataShardError, invalid } from '../../errors.ts'
import type { JsonPiece } from '../../input/json-splitter.ts'
import { splitJson } from '../../input/json-splitter.ts'
import { decodeBase64, decodeText, parseJson, unpack } from '../body.ts'
import type { Outcome } from '../outcome.ts'
import type { HttpAnswer } from './http-answer.ts'
import { httpAnswer, refuseHttp, TooLarge, WrongMethod } from './http-answer.ts'
import type { EventSource, InvocationFacts, Json, Limits } from './source.ts'
import { isJson, timeOf } from './source.ts'

export const http: EventSource = {
  name: 'http',
  matches: (event) => {
    if (!isJson(event) || !isJson(event['requestContext'])) return false
    return 'http' in event['requestContext'] || 'httpMethod' in event
  },
  open: async (event, facts) => {
    const request = event as Json
    const { requestId, time, method } = aboutOf(request, facts)
    if (method !== 'POST' && method !== 'PUT') throw new WrongMethod(method)
    const bytes = bytesOf(request, facts.limits)
    const pieces = await piecesOf(decodeText(bytes), header(request, 'content-type'))
    const key = header(request, 'idempotency-key')
    if (key === '') invalid('the header Idempotency-Key is empty')
    return {
      kind: 'records',
      items: pieces.map(({ text, line }, index) => ({
        id: `${key ?? requestId}#${index}`,
        key: `http/${key ?? requestId}#${index}`,
        failure: { index, line },
        order: undefined,
        time,
        raw: text,
        body: ({ numbers }) => parsePiece(text, numbers),
      })),
      redelivery: 'call',
      call: key === undefined ? undefined : { key: `http/${key}`, content: hashOf(bytes) },
      answer: (outcome: Outcome): HttpAnswer => httpAnswer(outcome, request),
    }
  },
  refuse: (event, error) => refuseHttp(error, event as Json),
}

function parsePiece(text: string, numbers: Parameters<typeof parseJson>[1]): unknown {
  try {
    return parseJson(text, numbers)
  } catch (error) {
    throw new DataShardError('invalid-argument', `not valid JSON: ${(error as Error).message}`, { cause: error })
  }
}

const hashOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

/** What the three shapes of a request call differently. */
function aboutOf(request: Json, facts: InvocationFacts): { requestId: string; time: Date; method: string } {
  const about = request['requestContext'] as Json
  const requestId = typeof about['requestId'] === 'string' ? about['requestId'] : facts.requestId
  const method = isJson(about['http']) ? about['http']['method'] : request['httpMethod']
  const time = timeOf(about['timeEpoch'] ?? about['requestTimeEpoch'], facts.nowMs)
  return { requestId, time, method: String(method).toUpperCase() }
}

/** Names of headers have no case; a load balancer and REST APIs may give lists of values instead. */
function header(request: Json, name: string): string | undefined {
  for (const holder of [request['headers'], request['multiValueHeaders']]) {
    if (!isJson(holder)) continue
    const entry = Object.entries(holder).find(([other]) => other.toLowerCase() === name)
    const value: unknown = Array.isArray(entry?.[1]) ? entry[1].at(-1) : entry?.[1]
    if (typeof value === 'string') return value
  }
  return undefined
}

function bytesOf(request: Json, { maxBodyBytes, maxUnpackedBytes }: Limits): Uint8Array {
  const { body, isBase64Encoded } = request
  if (body === undefined || body === null || body === '') return invalid('the request has no body')
  if (typeof body !== 'string') return invalid(`the body is ${typeof body}, expected a text`)
  const bytes = isBase64Encoded === true ? decodeBase64(body) : new TextEncoder().encode(body)
  if (bytes.length > maxBodyBytes) throw new TooLarge(`the body has ${bytes.length} bytes; ${maxBodyBytes} are allowed`)
  const encoding = header(request, 'content-encoding')
  if (encoding !== undefined && encoding !== 'gzip' && encoding !== 'identity') {
    return invalid(`the body is encoded as ${JSON.stringify(encoding)}, expected gzip or none`)
  }
  try {
    return unpack(bytes, maxUnpackedBytes)
  } catch (error) {
    const isBomb = DataShardError.is(error) && error.details['maxUnpackedBytes'] !== undefined
    throw isBomb ? new TooLarge((error as Error).message) : error
  }
}

/** The rows of a body as texts. A line of NDJSON that is broken is one that is rejected; other JSON is cut by its brackets. */
async function piecesOf(text: string, contentType: string | undefined): Promise<readonly JsonPiece[]> {
  const type = contentType?.split(';')[0]!.trim().toLowerCase()
  const isLines = type === undefined ? !/^\s*\[/.test(text) : /ndjson|jsonl|json-?lines/.test(type)
  const isJsonType = type !== undefined && /[/+]json$/.test(type)
  if (isLines || (!isJsonType && !/^\s*\[/.test(text))) {
    return text
      .split('\n')
      .map((line, index) => ({ text: line, line: index + 1 }))
      .filter((piece) => piece.text.trim() !== '')
  }
  const pieces: JsonPiece[] = []
  for await (const group of splitJson(oneText(text), 'the body')) pieces.push(...group)
  return pieces
}

async function* oneText(text: string): AsyncIterable<string> {
  yield text
}
