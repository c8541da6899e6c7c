/** Answers of the ingest API. What a client did wrong is said in full; what went wrong here is for our own log. */
import { DataShardError } from '../../errors.ts'
import type { Outcome } from '../outcome.ts'
import type { Json } from './source.ts'
import { isJson } from './source.ts'

/** As API Gateway, load balancers and function URLs expect it. */
export interface HttpAnswer {
  readonly statusCode: number
  readonly headers: Record<string, string>
  readonly multiValueHeaders?: Record<string, string[]>
  readonly statusDescription?: string
  readonly body: string
  readonly isBase64Encoded: false
}

/** The body of 200 and 207. */
export interface IngestResult {
  /** Rows that this request brought into the table, now or when it was sent before. */
  readonly rows: number
  /** The version that holds them; null if there were none. */
  readonly version: number | null
  /** Lines that cannot become rows, at most 1,000 of them: number from 1 in the body, index from 0 among its rows. */
  readonly rejected?: readonly RejectedLine[]
}

export interface RejectedLine {
  readonly index: number
  readonly line: number
  readonly message: string
}

export class TooLarge extends Error {}

export class WrongMethod extends Error {
  constructor(method: string) {
    super(`${method} is not allowed here; POST rows as NDJSON or as a JSON array`)
  }
}

/** Seconds after which a client may try again: contention and throttling are over by then. */
const RETRY_AFTER_S = 2
/** An answer may have 6 MB, and nobody reads more. */
const MAX_LINES = 1_000

const REASONS: Readonly<Record<number, string>> = {
  200: 'OK',
  207: 'Multi-Status',
  400: 'Bad Request',
  405: 'Method Not Allowed',
  413: 'Content Too Large',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
}

export function httpAnswer(outcome: Outcome, request: Json): HttpAnswer {
  const { items, fates, acceptedRows, version } = outcome
  const failed = fates.find((fate) => fate.kind === 'failed')
  if (failed) return refuseHttp(failed.error, request)
  const rejected = fates.flatMap((fate, index) => {
    if (fate.kind !== 'rejected' || fate.handled) return []
    return [{ ...(items[index]!.failure as { index: number; line: number }), message: reasonOf(fate.error) }]
  })
  const result: IngestResult = {
    rows: acceptedRows,
    version: version ?? null,
    ...(rejected.length > 0 && { rejected: rejected.slice(0, MAX_LINES) }),
  }
  if (rejected.length === 0) return answer(200, result, request)
  if (rejected.length < items.length) return answer(207, result, request)
  const message = `no line of the body can become a row; the first: ${rejected[0]!.message}`
  return answer(400, { error: 'invalid-argument', message, rejected: result.rejected }, request)
}

/** The message without the id of the record, which the client never gave. */
function reasonOf(error: DataShardError): string {
  return error.cause instanceof Error ? error.cause.message : error.message
}

export function refuseHttp(error: unknown, request: Json): HttpAnswer {
  if (error instanceof WrongMethod) {
    return answer(405, { error: 'invalid-argument', message: error.message }, request, { allow: 'POST, PUT' })
  }
  if (error instanceof TooLarge) return answer(413, { error: 'invalid-argument', message: error.message }, request)
  if (DataShardError.is(error, 'invalid-argument')) {
    return answer(400, { error: error.code, message: error.message }, request)
  }
  const code = DataShardError.is(error) ? error.code : 'internal'
  const committed = DataShardError.is(error) ? error.committed : 'no'
  const what = committed === 'unknown' ? 'whether the rows were appended is not known' : 'nothing was appended'
  if (DataShardError.is(error) && (error.retryable || error.code === 'aborted')) {
    const same = committed === 'unknown' ? ' under the same Idempotency-Key' : ''
    const message = `${what}; send the same request again${same}`
    return answer(503, { error: code, message, committed }, request, { 'retry-after': String(RETRY_AFTER_S) })
  }
  return answer(500, { error: code, message: `${what}; the log of the function says why`, committed }, request)
}

function answer(statusCode: number, body: object, request: Json, more: Record<string, string> = {}): HttpAnswer {
  const headers = { 'content-type': 'application/json', ...more }
  const isBalancer = isJson(request['requestContext']) && 'elb' in request['requestContext']
  // A target group with multi-value headers sends these, and looks at nothing else in the answer.
  const isMulti = isBalancer && isJson(request['multiValueHeaders'])
  return {
    statusCode,
    headers,
    ...(isMulti && {
      multiValueHeaders: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]])),
    }),
    ...(isBalancer && { statusDescription: `${statusCode} ${REASONS[statusCode]}` }),
    body: JSON.stringify(body),
    isBase64Encoded: false,
  }
}
