import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { metrics, trace } from '@opentelemetry/api'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { beforeAll, describe, expect, test } from 'vitest'
import type { AppendEvent } from '../../src/index.ts'
import { createTable } from '../../src/index.ts'
import { memoryStore } from '../../src/store/index.ts'
import { enableOpenTelemetry } from '../../src/table/opentelemetry.ts'
import { people, person } from '../support/tables.ts'

const spans = new InMemorySpanExporter()
const measured = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
const reader = new PeriodicExportingMetricReader({ exporter: measured, exportIntervalMillis: 3_600_000 })

beforeAll(async () => {
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] }))
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }))
  await enableOpenTelemetry()
})

async function newTable(onAppend?: (event: AppendEvent) => void) {
  return createTable('memory://store/t', { schema: people, store: memoryStore(), ...(onAppend && { onAppend }) })
}

describe('an append, seen from outside', () => {
  test('its result says how it came into the table and what that cost', async () => {
    const table = await newTable()
    const { stats } = await table.append([person(1)])
    expect(stats).toMatchObject({ by: 'alone', attempts: 1, publications: 0, foldSize: 1, roundTrips: 2 })
    expect(stats!.requests).toMatchObject({ list: 1 })
    expect(stats!.requests.put).toBeGreaterThanOrEqual(4)
  })

  test('a logger is told of each, also of those that fail, and cannot break them', async () => {
    const events: AppendEvent[] = []
    const table = await newTable((event) => {
      events.push(event)
      throw new Error('the logger is broken')
    })
    await table.append([person(1)], { idempotencyKey: 'k' })
    await table.append([person(1)], { idempotencyKey: 'k' })
    await table.append([])
    await expect(table.append([{ id: 'x' } as unknown as { id: number; name: string }])).rejects.toThrow(/id/)
    expect(events.map((event) => event.outcome)).toEqual(['committed', 'replayed', 'nothing', 'failed'])
    expect(events[3]!.error).toMatchObject({ code: 'invalid-argument' })
  })

  test('the diagnostics channel has the same event when the append has ended', async () => {
    const seen: unknown[] = []
    const listen = (message: unknown) => seen.push((message as { event?: AppendEvent }).event?.outcome)
    subscribe('tracing:datashard:append:asyncEnd', listen)
    const table = await newTable()
    await table.append([person(1)])
    unsubscribe('tracing:datashard:append:asyncEnd', listen)
    expect(seen).toEqual(['committed'])
  })

  test('OpenTelemetry gets a span and metrics', async () => {
    spans.reset()
    const table = await newTable()
    await table.append([person(1), person(2)])
    await expect(table.append([person(3)], { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' })
    const [done, failed] = spans.getFinishedSpans()
    expect(done).toMatchObject({
      name: 'datashard.append',
      attributes: { 'datashard.rows': 2, 'datashard.by': 'alone' },
    })
    expect(failed!.status.code).toBe(2)
    await reader.forceFlush()
    const names = measured
      .getMetrics()
      .flatMap((one) => one.scopeMetrics.flatMap((s) => s.metrics.map((m) => m.descriptor.name)))
    expect(new Set(names)).toEqual(
      new Set([
        'datashard.appends',
        'datashard.rows',
        'datashard.requests',
        'datashard.append.duration',
        'datashard.fold.size',
      ]),
    )
  })
})
