/**
 * Turns each append into a line of CloudWatch's embedded metric format, from which CloudWatch makes metrics without a call and
 * without a right to make one. The bundler puts this into every handler.
 */
import { subscribe } from 'node:diagnostics_channel'

const NAMESPACE = 'DataShard'
const UNITS = {
  Appends: 'Count',
  Rows: 'Count',
  Attempts: 'Count',
  FoldSize: 'Count',
  AppendMs: 'Milliseconds',
  FailedAppends: 'Count',
  Contention: 'Count',
} as const

/** What is read of the events of `datashard:append` (AppendEvent of the package). */
interface Ended {
  readonly table: string
  readonly durationMs: number
  readonly outcome: string
  readonly rows?: number
  readonly stats?: { readonly attempts: number; readonly foldSize: number }
  readonly error?: unknown
}

subscribe('tracing:datashard:append:asyncEnd', (message) => {
  const { event } = message as { event?: Ended }
  if (event) process.stdout.write(`${JSON.stringify(metricsOf(event, Date.now()))}\n`)
})

function metricsOf({ table, durationMs, outcome, rows, stats, error }: Ended, nowMs: number): object {
  const failed = outcome === 'failed'
  const code = (error as { code?: unknown } | undefined)?.code
  const values: Partial<Record<keyof typeof UNITS, number>> = {
    Appends: 1,
    AppendMs: durationMs,
    FailedAppends: failed ? 1 : 0,
    // No answer in time is contention too, as far as an operator is concerned: writers are in each other's way.
    Contention: code === 'commit-contention' || code === 'commit-unknown' ? 1 : 0,
    ...(rows === undefined ? {} : { Rows: rows }),
    ...(stats === undefined ? {} : { Attempts: stats.attempts, FoldSize: stats.foldSize }),
  }
  const names = Object.keys(values) as (keyof typeof UNITS)[]
  return {
    _aws: {
      Timestamp: nowMs,
      CloudWatchMetrics: [
        {
          Namespace: NAMESPACE,
          Dimensions: [['Table']],
          Metrics: names.map((name) => ({ Name: name, Unit: UNITS[name] })),
        },
      ],
    },
    Table: table,
    ...(failed ? { code, message: error instanceof Error ? error.message : String(error) } : { outcome }),
    ...values,
  }
}
