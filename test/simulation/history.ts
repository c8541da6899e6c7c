/** What was asked of the table and what was answered: the witnesses that the oracle hears. */
import type { ErrorCode } from '../../src/errors.ts'
import { DataShardError } from '../../src/errors.ts'
import type { AppendResult } from '../../src/table/append.ts'

/** One attempt to append; the same rows may be tried several times under one key. */
export interface Try {
  readonly by: string
  readonly startedMs: number
  endedMs?: number
  /** `open`: no answer, because its process died. `refused`: an error that says that nothing was committed. */
  outcome: 'open' | 'acknowledged' | 'refused' | 'unknown'
  result?: AppendResult
  /** What the error was: its code. */
  code?: string
}

/** Rows that belong together: all of them are in the table, or none. */
export interface Batch {
  readonly number: number
  readonly key: string | undefined
  readonly rowIds: readonly number[]
  /** The table that they were appended to; tables may be dropped and created again under one name. */
  readonly tableUuid: string
  /** What the same commit shall leave behind in the metadata. */
  readonly marks: { readonly property?: string; readonly tag?: string }
  readonly tries: Try[]
}

/** Row ids of a batch: so many are reserved for each. */
export const ROWS_PER_BATCH = 100

export type AppendRow = Readonly<Record<'id' | 'shard', number>>

export class History {
  readonly batches: Batch[] = []
  /** What must not happen, noted by who saw it. */
  readonly violations: string[] = []
  readonly counts = new Map<string, number>()

  /** A new batch of `rows` rows. */
  plan(
    rows: number,
    batch: Pick<Batch, 'tableUuid'> & { readonly key?: string; readonly marks?: Batch['marks'] },
  ): Batch {
    const number = this.batches.length
    const rowIds = Array.from({ length: rows }, (_, index) => number * ROWS_PER_BATCH + index)
    const planned: Batch = {
      number,
      rowIds,
      key: batch.key,
      tableUuid: batch.tableUuid,
      marks: batch.marks ?? {},
      tries: [],
    }
    this.batches.push(planned)
    return planned
  }

  batchOf(rowId: number): Batch | undefined {
    return this.batches[Math.floor(rowId / ROWS_PER_BATCH)]
  }

  count(what: string, by = 1): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + by)
  }

  violation(text: string): void {
    this.violations.push(text)
  }

  /** Runs one try and keeps what came of it; the error is not thrown but told. */
  async attempt(batch: Batch, by: string, now: () => number, append: () => Promise<AppendResult>): Promise<Try> {
    const [one] = await this.attemptAll([batch], by, now, append)
    return one!
  }

  /** One append of several batches, each with a key of its own; or of one. */
  async attemptAll(
    batches: readonly Batch[],
    by: string,
    now: () => number,
    append: () => Promise<AppendResult>,
  ): Promise<readonly Try[]> {
    const tries = batches.map((batch) => {
      const one: Try = { by, startedMs: now(), outcome: 'open' }
      batch.tries.push(one)
      return one
    })
    let change: Partial<Try>
    try {
      const result = await append()
      if (batches.length > 1) this.#judgeRows(batches, by, result)
      tries.forEach((one, i) => this.#answer(one, batches[i]!, result, batches.length === 1))
      change = { outcome: 'acknowledged' }
    } catch (error) {
      const numbers = batches.map(({ number }) => number).join(', ')
      const code = this.expectedCode(error, `the append of batch ${numbers} by ${by}`)
      change = { code, outcome: DataShardError.is(error) && error.committed === 'no' ? 'refused' : 'unknown' }
    }
    for (const one of tries) Object.assign(one, change, { endedMs: now() })
    this.count(change.code ?? change.outcome!)
    return tries
  }

  #answer(one: Try, batch: Batch, result: AppendResult, isOne: boolean): void {
    const isReplayed = batch.key !== undefined && result.replayedKeys.includes(batch.key)
    if (isReplayed || result.replayed) this.count('replayed')
    // Of a key that was there already, the answer of a batch of many does not say where.
    if (!isReplayed) one.result = { ...result, rows: isOne ? result.rows : batch.rowIds.length }
  }

  #judgeRows(batches: readonly Batch[], by: string, result: AppendResult): void {
    const added = batches.filter(({ key }) => !result.replayedKeys.includes(key!))
    const rows = added.reduce((sum, { rowIds }) => sum + rowIds.length, 0)
    if (result.rows !== rows) this.violation(`${by} was told of ${result.rows} rows, ${rows} were not there before`)
  }

  /** The code of an error that a sound library may give in a world of trouble; any other is a violation. */
  expectedCode(error: unknown, what: string): string {
    if (DataShardError.is(error) && EXPECTED.has(error.code)) return error.code
    const stack = error instanceof Error ? error.stack : String(error)
    this.violation(`${what} failed with what no trouble of this world explains: ${stack}`)
    return 'unexpected'
  }
}

const EXPECTED: ReadonlySet<ErrorCode> = new Set([
  'unavailable',
  'commit-unknown',
  'commit-contention',
  'commit-conflict',
  'aborted',
  'not-found',
])

export function rowsOf(batch: Batch): AppendRow[] {
  return batch.rowIds.map((id) => ({ id, shard: id % 3 }))
}

export function wasAcknowledged(batch: Batch): boolean {
  return batch.tries.some((one) => one.outcome === 'acknowledged')
}

/** Whether every try was refused with certainty: none of the rows may ever appear. */
export function wasRefused(batch: Batch): boolean {
  return batch.tries.every((one) => one.outcome === 'refused')
}
