/**
 * Direct invocation: one row, an array of rows, or `{ rows, idempotencyKey }`. All rows are committed or none, as by
 * `table.append`, because an asynchronous caller would never see which were refused.
 *
 * Lambda repeats an asynchronous invocation under the same request id, which is the key where the caller gives none.
 */
import { failureOf } from '../outcome.ts'
import type { EventSource } from './source.ts'
import { isJson, malformed } from './source.ts'

/** What a direct invocation is answered. */
export interface DirectAnswer {
  /** Rows that the call brought into the table, now or when it was made before. */
  readonly rows: number
  /** The version that holds them; null if there were none. */
  readonly version: number | null
  /** Records that were rejected and taken by `onReject` or the dead-letter table. */
  readonly rejected: number
}

export const direct: EventSource = {
  name: 'direct',
  matches: () => true,
  open: (event, facts) => {
    const { rows, key } = callOf(event)
    const id = key ?? facts.requestId
    return {
      kind: 'records',
      items: rows.map((row, index) => ({
        id: `${id}#${index}`,
        key: `direct/${id}#${index}`,
        failure: index,
        order: undefined,
        time: new Date(facts.nowMs),
        raw: row,
        // Columns take their values in place; the event stays as it was, for `onReject`.
        body: ({ numbers }) => (numbers === 'exact' ? structuredClone(row) : row),
      })),
      redelivery: 'call',
      call: id === '' ? undefined : { key: `direct/${id}` },
      allOrNothing: true,
      answer: (outcome): DirectAnswer => {
        const failure = failureOf(outcome)
        if (failure) throw failure
        const rejected = outcome.fates.filter((fate) => fate.kind === 'rejected').length
        return { rows: outcome.acceptedRows, version: outcome.version ?? null, rejected }
      },
    }
  },
}

function callOf(event: unknown): { rows: readonly unknown[]; key: string | undefined } {
  if (Array.isArray(event)) return { rows: event, key: undefined }
  if (!isJson(event)) return malformed('direct', 'it', event, 'a row, an array of rows, or { rows, idempotencyKey }')
  const { rows, idempotencyKey } = event
  // A table may have a column called `rows`; with any other key beside it the object is a row.
  const isCall = 'rows' in event && Object.keys(event).every((name) => name === 'rows' || name === 'idempotencyKey')
  if (!isCall) return { rows: [event], key: undefined }
  if (!Array.isArray(rows)) {
    const meant = 'an array of rows (a single row that has a column of this name is sent in an array: [{ rows: ... }])'
    return malformed('direct', 'rows', rows, meant)
  }
  if (idempotencyKey !== undefined && (typeof idempotencyKey !== 'string' || idempotencyKey === '')) {
    return malformed('direct', 'idempotencyKey', idempotencyKey, 'a text')
  }
  return { rows, key: idempotencyKey }
}
