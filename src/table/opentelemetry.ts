/**
 * Appends as OpenTelemetry spans and metrics, where the application has `@opentelemetry/api` (an optional peer dependency).
 * Everything comes from the diagnostics channel, so that an application can also do it in another way.
 *
 * | what | name | attributes |
 * |---|---|---|
 * | span | `datashard.append` | `datashard.table`, `.outcome`, `.rows`, `.version`, `.by`, `.fold_size`, `.attempts`, `.round_trips` |
 * | counter | `datashard.appends` | table, outcome, by |
 * | counter | `datashard.rows` | table |
 * | counter | `datashard.requests` | table, verb |
 * | histogram, ms | `datashard.append.duration` | table, outcome |
 * | histogram | `datashard.fold.size` | table |
 */
import { tracingChannel } from 'node:diagnostics_channel'
import type { Span } from '@opentelemetry/api'
import { namedExports } from '../store/named-exports.ts'
import type { AppendEvent, AppendTrace } from './telemetry.ts'
import { APPEND_CHANNEL } from './telemetry.ts'

const NAME = 'datashard'

type Api = typeof import('@opentelemetry/api')

let enabled: Promise<void> | undefined

/** Begins to report, once per process; does nothing where the API is not installed. */
export function enableOpenTelemetry(): Promise<void> {
  enabled ??= load().then((api) => api && report(namedExports(api, 'SpanStatusCode')))
  return enabled
}

async function load(): Promise<Api | undefined> {
  // By this bundlers see that it may be missing.
  try {
    return await import('@opentelemetry/api')
  } catch {
    return undefined
  }
}

function report(api: Api): void {
  const tracer = api.trace.getTracer(NAME)
  const measure = instruments(api)
  const spans = new WeakMap<AppendTrace, Span>()
  tracingChannel<AppendTrace>(APPEND_CHANNEL).subscribe({
    start: (trace) => {
      spans.set(trace, tracer.startSpan('datashard.append', { attributes: { 'datashard.table': trace.table } }))
    },
    end: () => undefined,
    asyncStart: () => undefined,
    error: () => undefined,
    asyncEnd: (trace) => {
      const span = spans.get(trace)
      if (trace.event) measure(trace.event)
      if (!span) return
      if (trace.event) describe(api, span, trace.event)
      span.end()
    },
  })
}

function describe(api: Api, span: Span, { outcome, rows, version, stats, error }: AppendEvent): void {
  span.setAttribute('datashard.outcome', outcome)
  if (rows !== undefined) span.setAttribute('datashard.rows', rows)
  if (version !== undefined) span.setAttribute('datashard.version', version)
  if (stats) {
    span.setAttributes({
      'datashard.by': stats.by,
      'datashard.fold_size': stats.foldSize,
      'datashard.attempts': stats.attempts,
      'datashard.round_trips': stats.roundTrips,
    })
  }
  if (outcome !== 'failed') return
  if (error instanceof Error) span.recordException(error)
  span.setStatus({ code: api.SpanStatusCode.ERROR, message: error instanceof Error ? error.message : String(error) })
}

function instruments(api: Api): (event: AppendEvent) => void {
  const meter = api.metrics.getMeter(NAME)
  const appends = meter.createCounter('datashard.appends')
  const rowCount = meter.createCounter('datashard.rows')
  const requests = meter.createCounter('datashard.requests')
  const duration = meter.createHistogram('datashard.append.duration', { unit: 'ms' })
  const foldSize = meter.createHistogram('datashard.fold.size')
  return ({ table, outcome, rows, durationMs, stats }) => {
    appends.add(1, { table, outcome, ...(stats && { by: stats.by }) })
    duration.record(durationMs, { table, outcome })
    if (outcome === 'committed' && rows !== undefined) rowCount.add(rows, { table })
    if (!stats) return
    foldSize.record(stats.foldSize, { table })
    for (const [verb, count] of Object.entries(stats.requests)) if (count > 0) requests.add(count, { table, verb })
  }
}
