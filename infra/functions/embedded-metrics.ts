/**
 * What the alarms of a table need to know, whichever handler appends to it: a line of CloudWatch's embedded metric format per append, from
 * which CloudWatch makes metrics without a call and without a right to make one. The bundler puts this into every function. What
 * `appendHandler` tells of its records is counted by function, and comes from there.
 */
import { subscribe } from 'node:diagnostics_channel'

const NAMESPACE = 'DataShard'

/** What is read of the events of `datashard:append` (AppendEvent of the package). */
interface Ended {
  readonly table: string
  readonly outcome: string
  readonly stats?: { readonly attempts: number }
  readonly error?: unknown
}

subscribe('tracing:datashard:append:asyncEnd', (message) => {
  const { event } = message as { event?: Ended }
  if (event) process.stdout.write(`${JSON.stringify(metricsOf(event, Date.now()))}\n`)
})

function metricsOf({ table, outcome, stats, error }: Ended, nowMs: number): object {
  const failed = outcome === 'failed'
  const code = (error as { code?: unknown } | undefined)?.code
  const values: Record<string, number> = {
    Appends: 1,
    FailedAppends: failed ? 1 : 0,
    // No answer in time is contention too, as far as an operator is concerned: writers are in each other's way.
    Contention: code === 'commit-contention' || code === 'commit-unknown' ? 1 : 0,
    ...(stats === undefined ? {} : { Attempts: stats.attempts }),
  }
  return {
    _aws: {
      Timestamp: nowMs,
      CloudWatchMetrics: [
        {
          Namespace: NAMESPACE,
          Dimensions: [['Table']],
          Metrics: Object.keys(values).map((name) => ({ Name: name, Unit: 'Count' })),
        },
      ],
    },
    Table: table,
    ...(failed ? { code, message: error instanceof Error ? error.message : String(error) } : { outcome }),
    ...values,
  }
}
