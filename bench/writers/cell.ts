/** One cell of the table: one contestant, so many writers, one server. */
import { mkdtemp } from 'node:fs/promises'
import { cpus } from 'node:os'
import { join } from 'node:path'
import type { Judges } from '../../test/judges/judges.ts'
import type { S3Endpoint } from '../../test/support/minio.ts'
import type { Built } from '../support/built.ts'
import { startChild, type Child } from '../support/children.ts'
import { quantile } from '../support/figures.ts'
import type { Contestant } from './contestants.ts'
import type { ClientJob, ClientReport, ClientRows, ServerCounts, ServerWord } from './job.ts'
import { s3Environment } from '../../test/support/tables.ts'

const CREATE_TIMEOUT_MS = 60_000
const READ_TIMEOUT_MS = 300_000

export interface CellOptions {
  readonly writers: number
  readonly appends: number
  readonly warm: number
  readonly delayMs: number
  /** Writers as tasks of this many processes; as many as there are writers: each is a process of its own. */
  readonly clients: number
  /** For warming up, and again for the measured appends. */
  readonly limitMs: number
}

export interface CellContext {
  readonly built: Built
  readonly server: Child
  readonly s3: S3Endpoint
  readonly judges: Judges
}

export interface Cell {
  readonly seconds: number
  readonly appendsPerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly worstMs: number
  readonly requestsPerAppend: number
  readonly byVerb: Readonly<Record<string, number>>
  readonly failed: number
  readonly failure: string | undefined
  /** Of all client processes; without Python's children. */
  readonly clientCpuSeconds: number
  readonly serverCpuSeconds: number
  /** Shares of the time: of the busiest client's event loop (Node only), of the server's, of all cores of this machine. */
  readonly clientLoop: number | undefined
  readonly serverLoop: number
  readonly machine: number
  /** Rows of acknowledged appends that are missing, and rows too many. */
  readonly lost: number
  readonly doubled: number
}

export async function runCell(contestant: Contestant, context: CellContext, options: CellOptions): Promise<Cell> {
  const { writers, clients: clientCount, delayMs, limitMs } = options
  const location = `s3://bench/${contestant.name}-${writers}-${clientCount}-${Date.now()}`
  const scratch = await mkdtemp(join(context.built.directory, 'scratch-'))
  const whole = { library: context.built.library, location, scratch, firstWriter: 0, writers, appends: options.appends }
  const job: ClientJob = { ...whole, warm: options.warm, action: 'append' }
  await within(startClient(contestant, context, { ...job, action: 'create' }), CREATE_TIMEOUT_MS)
  const jobs = sharedOut(writers, clientCount).map((share): ClientJob => ({ ...job, ...share }))
  // The delay is there while they warm up: no store answers in 1 ms first, and in 40 ms when it counts.
  await ask(context.server, { ask: 'start', delayMs })
  const clients = jobs.map((one) => startClient(contestant, context, one))
  try {
    await Promise.all(clients.map((client) => client.next(limitMs)))
    await ask(context.server, { ask: 'start', delayMs })
    const machine = machineTime()
    const startedMs = performance.now()
    for (const client of clients) client.send('go')
    const said = await Promise.all(clients.map((client) => client.next<{ report: ClientReport }>(limitMs)))
    const seconds = (performance.now() - startedMs) / 1_000
    const busy = machine()
    const counts = await ask<ServerCounts>(context.server, { ask: 'stop' })
    for (const client of clients) client.kill()
    const reports = said.map(({ report }) => report)
    const rows = await rowsOf(contestant, context, job)
    return { ...figures(reports, counts, seconds), machine: busy, ...judge(rows, reports, options) }
  } finally {
    for (const client of clients) client.kill()
    await Promise.all(clients.map((client) => client.exited))
    // Whatever happened: the next cell begins without delay.
    await ask(context.server, { ask: 'stop' })
  }
}

/** Writers, each client's about as many. */
function sharedOut(writers: number, clients: number): { firstWriter: number; writers: number }[] {
  const first = (client: number): number => Math.round((writers * client) / clients)
  return Array.from({ length: clients }, (_, i) => ({ firstWriter: first(i), writers: first(i + 1) - first(i) }))
}

function startClient(contestant: Contestant, { s3 }: CellContext, job: ClientJob): Child {
  return startChild([...contestant.command, JSON.stringify(job)], {
    ...process.env,
    ...contestant.env,
    ...s3Environment(s3),
  })
}

async function within<T>(client: Child, timeoutMs: number): Promise<T> {
  try {
    return await client.next<T>(timeoutMs)
  } finally {
    client.kill()
    await client.exited
  }
}

async function ask<T>(server: Child, word: ServerWord): Promise<T> {
  server.send(word)
  return server.next<T>(CREATE_TIMEOUT_MS)
}

function figures(
  reports: readonly ClientReport[],
  counts: ServerCounts,
  seconds: number,
): Omit<Cell, 'machine' | 'lost' | 'doubled'> {
  const times = reports.flatMap((report) => report.times)
  const requests = Object.values(counts.requests).reduce((sum, one) => sum + one, 0)
  const loops = reports.flatMap((report) => report.eventLoop ?? [])
  return {
    seconds,
    appendsPerSecond: times.length / seconds,
    p50Ms: quantile(times, 0.5),
    p99Ms: quantile(times, 0.99),
    worstMs: quantile(times, 1),
    requestsPerAppend: requests / times.length,
    byVerb: Object.fromEntries(Object.entries(counts.requests).map(([verb, n]) => [verb, n / times.length])),
    failed: reports.reduce((sum, report) => sum + report.failed, 0),
    failure: reports.find((report) => report.failure !== undefined)?.failure,
    clientCpuSeconds: reports.reduce((sum, report) => sum + (report.cpuSeconds ?? 0), 0),
    serverCpuSeconds: counts.cpuSeconds,
    clientLoop: loops.length === 0 ? undefined : Math.max(...loops),
    serverLoop: counts.eventLoop,
  }
}

type Pairs = readonly (readonly [a: number, b: number])[]

async function rowsOf(contestant: Contestant, context: CellContext, job: ClientJob): Promise<Pairs> {
  if (contestant.judgedBy === 'own') {
    const client = startClient(contestant, context, { ...job, action: 'read' })
    return (await within<ClientRows>(client, READ_TIMEOUT_MS)).rows
  }
  const rows = await context.judges.read('pyiceberg', { location: job.location, s3: context.s3, columns: ['a', 'b'] })
  return rows.map((row) => [row['a'] as number, row['b'] as number])
}

/** Measured rows only: warm ones, whose failures nobody counted, have a negative b. */
function judge(
  rows: Pairs,
  reports: readonly ClientReport[],
  { writers, appends }: CellOptions,
): Pick<Cell, 'lost' | 'doubled'> {
  const measured = rows.filter(([, b]) => b >= 0)
  const distinct = new Set(measured.map(([a, b]) => `${a} ${b}`)).size
  const acknowledged = reports.reduce((sum, report) => sum + report.times.length, 0)
  const strangers = measured.filter(([a, b]) => a < 0 || a >= writers || b >= appends).length
  return { lost: Math.max(0, acknowledged - distinct), doubled: measured.length - distinct + strangers }
}

/** How busy all cores were together between two moments. */
function machineTime(): () => number {
  const times = () => {
    const all = cpus().map(({ times: { user, nice, sys, irq, idle } }) => ({ busy: user + nice + sys + irq, idle }))
    const sum = (of: (one: (typeof all)[number]) => number): number => all.reduce((total, one) => total + of(one), 0)
    return { busy: sum((one) => one.busy), idle: sum((one) => one.idle) }
  }
  const before = times()
  return () => {
    const after = times()
    const busy = after.busy - before.busy
    return busy / (busy + after.idle - before.idle)
  }
}
