/**
 * Writers of one table at once, ours beside the peers, with a delay added to every request: `npm run bench:writers`. Exit 1 if a row of
 * ours was lost or doubled, or an append of ours failed. Options: see bench/README.md.
 */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startJudges } from '../../test/judges/judges.ts'
import { minioClient } from '../../test/support/tables.ts'
import { buildLibrary } from '../support/built.ts'
import { startChild } from '../support/children.ts'
import { figure, textTable } from '../support/figures.ts'
import { runCell, type Cell, type CellOptions } from './cell.ts'
import { CONTESTANTS, findContestants } from './contestants.ts'
import type { ServerJob, ServerReady } from './job.ts'

const START_TIMEOUT_MS = 20 * 60_000 // MinIO may have to be built

const { values } = parseArgs({
  options: {
    writers: { type: 'string', default: '1,16,64,256' },
    appends: { type: 'string', default: '5' },
    warm: { type: 'string', default: '2' },
    'delay-ms': { type: 'string', default: '40' },
    servers: { type: 'string', default: 'light,minio' },
    contestants: { type: 'string', default: CONTESTANTS.join(',') },
    clients: { type: 'string', default: '1' },
    processes: { type: 'boolean', default: false },
    'limit-s': { type: 'string', default: '300' },
    json: { type: 'boolean', default: false },
  },
})
const servers = values.servers.split(',') as ServerJob['kind'][]
const writerCounts = values.writers.split(',').map(Number)
/** Processes over which the writers are spread: each has an event loop of its own, and its own code to compile. */
const clientsFor = (writers: number): number => (values.processes ? writers : Math.min(writers, Number(values.clients)))

interface Line {
  readonly server: string
  readonly writers: number
  readonly clients: number
  readonly who: string
  readonly cell?: Cell
  readonly problem?: string
}

await using built = await buildLibrary()
const contestants = await findContestants(built, values.contestants.split(','))
const judges = await startJudges(['pyiceberg'])
const lines: Line[] = []
try {
  for (const kind of servers) await runServer(kind)
} finally {
  await judges.stop()
}
if (values.json) console.log(JSON.stringify(lines))
else print()
const ours = lines.filter(({ who }) => who === 'datashard')
const good = ours.every(({ cell }) => cell !== undefined && cell.lost + cell.doubled + cell.failed === 0)
process.exitCode = ours.length > 0 && good ? 0 : 1

async function runServer(kind: ServerJob['kind']): Promise<void> {
  const program = await built.program(join(import.meta.dirname, 'server.ts'))
  const job: ServerJob = { kind }
  const server = startChild([process.execPath, program, JSON.stringify(job)])
  try {
    const { s3 } = await server.next<ServerReady>(START_TIMEOUT_MS)
    if (kind === 'minio') await minioClient(s3).makeBucket('bench')
    for (const writers of writerCounts) {
      for (const contestant of contestants.filter(({ maxWriters }) => writers <= maxWriters)) {
        const clients = clientsFor(writers)
        const about = { server: s3.kind === 'own' ? 'light' : s3.kind, writers, clients, who: contestant.name }
        console.error(`${about.server}, ${writers} writers in ${clients} processes: ${about.who}`)
        const options = { writers, clients, ...counted() }
        try {
          lines.push({ ...about, cell: await runCell(contestant, { built, server, s3, judges }, options) })
        } catch (error) {
          const problem = String(error).split('\n').slice(0, 3).join(' ')
          console.error(`  not measured: ${problem}`)
          lines.push({ ...about, problem })
        }
      }
    }
  } finally {
    server.kill()
    await server.exited
  }
}

function counted(): Pick<CellOptions, 'appends' | 'warm' | 'delayMs' | 'limitMs'> {
  return {
    appends: Number(values.appends),
    warm: Number(values.warm),
    delayMs: Number(values['delay-ms']),
    limitMs: Number(values['limit-s']) * 1_000,
  }
}

function print(): void {
  const percent = (share: number | undefined): string => (share === undefined ? '-' : `${Math.round(share * 100)} %`)
  const rows = lines.map(({ server, writers, clients, who, cell, problem }) => ({
    server,
    writers,
    processes: clients,
    who,
    ...(cell === undefined
      ? { 'appends/s': 'not measured', requests: problem ?? '' }
      : {
          'appends/s': figure(cell.appendsPerSecond),
          'p50 ms': figure(cell.p50Ms),
          'p99 ms': figure(cell.p99Ms),
          'worst ms': figure(cell.worstMs),
          'round trips': figure(cell.p50Ms / Number(values['delay-ms'])),
          'requests/append': figure(cell.requestsPerAppend),
          failed: `${cell.failed}`,
          lost: `${cell.lost}`,
          doubled: `${cell.doubled}`,
          'CPU s: clients': figure(cell.clientCpuSeconds),
          'CPU s: server': figure(cell.serverCpuSeconds),
          'loop: client': percent(cell.clientLoop),
          'loop: server': percent(cell.serverLoop),
          machine: percent(cell.machine),
          requests: Object.entries(cell.byVerb)
            .map(([verb, n]) => `${verb} ${figure(n)}`)
            .join(' '),
        }),
  }))
  console.log(`${values.appends} appends of each writer, ${values['delay-ms']} ms added to every request`)
  console.log(textTable(rows))
  for (const { who, writers, cell } of lines)
    if (cell?.failure) console.log(`${who}, ${writers} writers: ${cell.failure}`)
}
