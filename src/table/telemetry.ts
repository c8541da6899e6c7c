/**
 * What an append tells those who watch: a call given with the table, Node's `diagnostics_channel`, and OpenTelemetry where
 * `@opentelemetry/api` is installed. Nobody watching costs nothing but a look.
 */
import { tracingChannel } from 'node:diagnostics_channel'
import type { CommitStats } from '../commit/stats.ts'

/** One call of `append` that ended, for a logger. */
export interface AppendEvent {
  readonly kind: 'append'
  /** Location of the table. */
  readonly table: string
  readonly durationMs: number
  readonly outcome: 'committed' | 'replayed' | 'nothing' | 'failed'
  readonly version?: number
  readonly snapshotId?: bigint
  readonly rows?: number
  readonly stats?: CommitStats
  readonly error?: unknown
}

/** The message of the channels `tracing:datashard:append:start`, `:end`, `:asyncStart`, `:asyncEnd`, `:error`. */
export interface AppendTrace {
  readonly table: string
  /** Once it has ended. */
  event?: AppendEvent
}

/** Node's `tracingChannel` of appends. */
export const APPEND_CHANNEL = 'datashard:append'

const appends = tracingChannel<AppendTrace>(APPEND_CHANNEL)

interface Appended {
  readonly version: number
  readonly snapshotId: bigint
  readonly rows: number
  readonly replayed: boolean
  readonly stats?: CommitStats
}

export interface Watched {
  readonly table: string
  readonly onAppend: ((event: AppendEvent) => void) | undefined
  /** Monotonic clock. */
  readonly nowMs: () => number
}

/** Runs an append under the eyes of whoever watches. */
export async function watched<T extends Appended>(watch: Watched, run: () => Promise<T>): Promise<T> {
  const startMs = watch.nowMs()
  const trace: AppendTrace = { table: watch.table }
  const tell = (event: Omit<AppendEvent, 'kind' | 'table' | 'durationMs'>) => {
    const durationMs = watch.nowMs() - startMs
    trace.event = { kind: 'append', table: watch.table, durationMs, ...event }
    try {
      watch.onAppend?.(trace.event)
    } catch {
      // A logger that fails must not make an append that is committed look as if it were not.
    }
  }
  const traced = async () => {
    try {
      const result = await run()
      const { version, snapshotId, rows, replayed, stats } = result
      const outcome = replayed ? 'replayed' : rows > 0 ? 'committed' : 'nothing'
      tell({ outcome, version, snapshotId, rows, ...(stats && { stats }) })
      return result
    } catch (error) {
      tell({ outcome: 'failed', error })
      throw error
    }
  }
  return appends.tracePromise(traced, trace)
}
