/**
 * What an invocation tells those who watch: one line of CloudWatch's embedded metric format, warnings as JSON lines, or
 * the same through Powertools. The append itself is traced as everywhere (diagnostics channel, OpenTelemetry).
 */
import type { Runtime } from '../runtime.ts'
import type { AppendResult } from '../table/append.ts'
import type { Outcome } from './outcome.ts'
import { isOpen } from './outcome.ts'
import type { SourceName } from './record.ts'

/** The part of Powertools' `Logger` that is used; `console` fits as well. `extra` is always there: that of Powertools knows no undefined. */
export interface LambdaLogger {
  debug(message: string, extra: Record<string, unknown>): void
  info(message: string, extra: Record<string, unknown>): void
  warn(message: string, extra: Record<string, unknown>): void
  error(message: string, extra: Record<string, unknown>): void
}

/** The part of Powertools' `Metrics` that is used. */
export interface LambdaMetrics {
  addMetric(name: string, unit: 'Count' | 'Milliseconds', value: number): void
  publishStoredMetrics?(): void
}

/** The part of Powertools' `Tracer` that is used. */
export interface LambdaTracer {
  putAnnotation(key: string, value: string | number | boolean): void
  putMetadata?(key: string, value: unknown): void
}

/** Numbers of one invocation, by the names that they have as metrics. */
export interface InvocationNumbers {
  /** Records of the event. */
  readonly Records: number
  /** Rows that this invocation brought into the table. */
  readonly Rows: number
  /** Records that cannot become rows, taken by somebody or not. */
  readonly Rejected: number
  /** Records that the source must deliver again. */
  readonly Failed: number
  /** Records that an earlier delivery had brought into the table. */
  readonly Replayed: number
  /** Records so old that the idempotency key of an earlier delivery may have been forgotten. */
  readonly Stale: number
  /** Appends of all writers in the commits that brought the rows. */
  readonly FoldSize: number
  /** Creates of a version that this process tried. */
  readonly Attempts: number
  /** Requests to the store for the appends. */
  readonly Requests: number
  /** For the appends alone. */
  readonly AppendMs: number
  readonly DurationMs: number
  /** 1 in the first invocation of an instance. */
  readonly ColdStart: number
}

/** What appends of an invocation come to, while it runs. */
export interface InvocationReport {
  appended(result: AppendResult): void
  totals(): { readonly version: number | undefined; readonly rows: number }
}

export interface Invocation extends InvocationReport {
  numbers(outcome: Outcome | undefined, failed: number, stale: number): InvocationNumbers
}

export function startInvocation(nowMs: () => number, isCold: boolean): Invocation {
  const startMs = nowMs()
  const results: AppendResult[] = []
  const sum = (of: (result: AppendResult) => number) => results.reduce((total, result) => total + of(result), 0)
  const totals = () => ({
    version: results.length === 0 ? undefined : Math.max(...results.map(({ version }) => version)),
    rows: sum(({ replayed, rows }) => (replayed ? 0 : rows)),
  })
  return {
    appended: (result) => void results.push(result),
    totals,
    numbers: (outcome, failed, stale) => {
      const fates = outcome?.fates ?? []
      return {
        Records: outcome?.items.length ?? failed,
        Rows: totals().rows,
        Rejected: fates.filter(({ kind }) => kind === 'rejected').length,
        Failed: outcome === undefined ? failed : fates.filter(isOpen).length,
        Replayed: fates.filter(({ kind }) => kind === 'replayed').length,
        Stale: stale,
        FoldSize: sum(({ stats }) => stats?.foldSize ?? 0),
        Attempts: sum(({ attempts }) => attempts),
        Requests: sum(({ stats }) => (stats ? Object.values(stats.requests).reduce((a, b) => a + b, 0) : 0)),
        AppendMs: round(sum(({ stats }) => stats?.elapsedMs ?? 0)),
        DurationMs: round(nowMs() - startMs),
        ColdStart: isCold ? 1 : 0,
      }
    },
  }
}

const round = (ms: number) => Math.round(ms * 1_000) / 1_000

export interface Observers {
  readonly logger?: LambdaLogger | false
  readonly metrics?: LambdaMetrics | { readonly namespace: string } | false
  readonly tracer?: LambdaTracer
  readonly runtime: Runtime
}

const NAMESPACE = 'DataShard'

/** Tells the numbers to whoever wants them. What a watcher throws is nobody's concern: the rows are in the table. */
export function tellNumbers(
  numbers: InvocationNumbers,
  about: {
    readonly source: SourceName
    readonly table: string
    readonly functionName: string | undefined
    readonly requestId: string
  },
  { metrics, tracer, runtime }: Observers,
): void {
  const entries = Object.entries(numbers) as [keyof InvocationNumbers, number][]
  quietly(() => {
    if (metrics === false) return
    if (metrics && 'addMetric' in metrics) {
      for (const [name, value] of entries) metrics.addMetric(name, unitOf(name), value)
      metrics.publishStoredMetrics?.()
    } else writeLine(emf(entries, about, metrics?.namespace ?? NAMESPACE, runtime.now()))
  })
  quietly(() => {
    tracer?.putAnnotation('datashard.source', about.source)
    tracer?.putAnnotation('datashard.rows', numbers.Rows)
    tracer?.putAnnotation('datashard.failed', numbers.Failed)
    tracer?.putMetadata?.('datashard', { ...numbers, table: about.table })
  })
}

function emf(
  entries: readonly [keyof InvocationNumbers, number][],
  about: Parameters<typeof tellNumbers>[1],
  namespace: string,
  nowMs: number,
): object {
  const { source, table, functionName, requestId } = about
  const dimensions = functionName === undefined ? ['Source'] : ['FunctionName', 'Source']
  return {
    _aws: {
      Timestamp: nowMs,
      CloudWatchMetrics: [
        {
          Namespace: namespace,
          Dimensions: [dimensions],
          Metrics: entries.map(([name]) => ({ Name: name, Unit: unitOf(name) })),
        },
      ],
    },
    Source: source,
    ...(functionName !== undefined && { FunctionName: functionName }),
    table,
    requestId,
    ...Object.fromEntries(entries),
  }
}

const unitOf = (name: string) => (name.endsWith('Ms') ? 'Milliseconds' : 'Count')

/** The logger that was given, or warnings and errors as JSON lines. */
export function loggerOf({ logger, runtime }: Observers): LambdaLogger {
  if (logger === false) return { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
  const line = (level: string) => (message: string, extra: Record<string, unknown>) => {
    quietly(() => {
      if (logger) return logger[level.toLowerCase() as keyof LambdaLogger](message, extra)
      if (level === 'WARN' || level === 'ERROR')
        writeLine({ level, timestamp: new Date(runtime.now()).toISOString(), message, ...extra })
    })
  }
  return { debug: line('DEBUG'), info: line('INFO'), warn: line('WARN'), error: line('ERROR') }
}

/** Not `console.log`: with JSON logs Lambda would wrap the line, and CloudWatch would not see the metrics in it. */
function writeLine(value: object): void {
  process.stdout.write(`${JSON.stringify(value)}\n`)
}

function quietly(tell: () => void): void {
  try {
    tell()
  } catch {
    // See above.
  }
}

/** An error as a logger should have it. */
export function errorFields(error: unknown): Record<string, unknown> {
  if (error instanceof Error && 'toJSON' in error) return { error: (error as { toJSON(): unknown }).toJSON() }
  if (error instanceof Error) return { error: { name: error.name, message: error.message, stack: error.stack } }
  return { error: String(error) }
}
