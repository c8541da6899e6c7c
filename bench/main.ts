/**
 * The benches, each beside the peers in one run: `npm run bench` for all, `npm run bench -- million latency cold requests` for some.
 * A peer that is not installed is named and left out. What was measured where is in README.md.
 */
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { startDelayProxy } from '../test/support/delay-proxy.ts'
import { startS3 } from '../test/support/minio.ts'
import { minioClient } from '../test/support/tables.ts'

const run = promisify(execFile)
// The AWS SDK's word about Node 22 in 2027 is noise here.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true'
const here = import.meta.dirname
const wanted = process.argv.slice(2)
const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 3)
const ROWS = process.env['BENCH_ROWS'] ?? '1000000'
const APPENDS = 15
const DELAY_MS = 40

type Figures = Readonly<Record<string, number>>

interface Contestant {
  readonly name: string
  readonly command: (location: string) => readonly [string, ...string[]]
}

/** An interpreter with `pyiceberg[sql-sqlite]`; the judges' own has no catalog. */
const python = process.env['BENCH_PYTHON']
const node = process.execPath
const folder = await mkdtemp(join(tmpdir(), 'datashard-bench-'))
await run('npm', ['run', 'build', '--silent'])
try {
  if (asked('million')) await million()
  if (asked('latency')) await latency()
  if (asked('cold')) await (await import('./cold/measure.ts')).measureCold(folder, ROUNDS * 3)
  if (asked('requests')) await (await import('./requests/measure.ts')).measureRequests()
} finally {
  await rm(folder, { recursive: true, force: true })
}

function asked(name: string): boolean {
  return wanted.length === 0 || wanted.includes(name)
}

async function million(): Promise<void> {
  const rows = Number(ROWS).toLocaleString('en')
  const ours = (mode: string) => (at: string) => [node, join(here, 'million/ours.mjs'), at, mode, ROWS] as const
  const icebird = (mode: string) => (at: string) => [node, join(here, 'million/icebird.mjs'), at, mode, ROWS] as const
  const pyiceberg = (mode: string): Contestant[] => {
    const script = join(here, 'million/pyiceberg_million.py')
    return python ? [{ name: 'pyiceberg', command: (at) => [python, script, at, mode, ROWS] }] : []
  }
  console.log(`\n${rows} task logs appended, median of ${ROUNDS}, milliseconds and MB of peak memory`)
  await compete(
    [
      ...pyiceberg('append'),
      { name: 'icebird', command: icebird('append') },
      { name: 'DataShard, stream', command: ours('stream') },
      { name: 'DataShard, rows', command: ours('append') },
    ],
    JSON.parse,
  )
  // The table that DataShard has just written, read by all, each in a process of its own: first, and when it is warm.
  console.log(`\nread back to rows`)
  await compete(
    [
      { name: 'DataShard', command: ours('read-rows') },
      { name: 'icebird', command: icebird('read-rows') },
      ...pyiceberg('read-rows'),
    ],
    JSON.parse,
  )
  console.log(`\nread back to Arrow`)
  await compete([{ name: 'DataShard', command: ours('read-arrow') }, ...pyiceberg('read-arrow')], JSON.parse)
}

async function latency(): Promise<void> {
  const s3 = await startS3()
  const proxy = await startDelayProxy(s3.endpoint, DELAY_MS)
  await minioClient(s3).makeBucket('bench')
  process.env['AWS_ENDPOINT_URL_S3'] = proxy.endpoint
  process.env['AWS_ACCESS_KEY_ID'] = s3.accessKeyId
  process.env['AWS_SECRET_ACCESS_KEY'] = s3.secretAccessKey
  process.env['AWS_REGION'] = s3.region
  try {
    let tables = 0
    const place = () => `s3://bench/t${++tables}`
    const contestants: Contestant[] = [
      { name: 'DataShard', command: () => [node, join(here, 'latency/ours.mjs'), place(), String(APPENDS)] },
      { name: 'icebird', command: () => [node, join(here, 'latency/icebird.mjs'), place(), String(APPENDS)] },
    ]
    if (python) {
      const script = join(here, 'latency/pyiceberg_append.py')
      contestants.push({ name: 'pyiceberg', command: () => [python, script, place(), String(APPENDS)] })
    }
    console.log(`\none warm writer on ${s3.kind}, ${DELAY_MS} ms added to each request, ${APPENDS} appends of one row`)
    await compete(contestants, (text) => {
      const times = (JSON.parse(text) as number[]).toSorted((a, b) => a - b)
      const p50 = times[Math.floor(times.length / 2)]!
      return {
        'p50 ms': Math.round(p50),
        'round trips': Math.round((p50 / DELAY_MS) * 10) / 10,
        'worst ms': Math.round(times.at(-1)!),
      }
    })
  } finally {
    await proxy.stop()
    await s3.stop()
  }
}

/** Runs everybody in turn, round by round, so that a machine that gets slower is slower for all. */
async function compete(contestants: readonly Contestant[], parse: (text: string) => Figures): Promise<void> {
  const results = new Map<string, Figures[]>()
  for (let round = 0; round < ROUNDS; round++) {
    for (const { name, command } of contestants) {
      const [file, ...args] = command(join(folder, 'table'))
      try {
        const env = { ...process.env, BENCH_STARTED_MS: `${Date.now()}` }
        const { stdout } = await run(file, args, { maxBuffer: 1 << 28, env })
        results.set(name, [...(results.get(name) ?? []), parse(stdout.trim().split('\n').at(-1)!)])
      } catch (error) {
        if (round === 0) console.log(`  ${name.padEnd(20)} not measured: ${firstLine(error)}`)
      }
    }
  }
  for (const [name, all] of results) {
    const names = Object.keys(all[0]!)
    const medians = names.map((figure) => `${figure} ${median(all.map((one) => one[figure]!))}`)
    console.log(`  ${name.padEnd(20)} ${medians.join('   ')}`)
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!
}

function firstLine(error: unknown): string {
  const text = String((error as { stderr?: string }).stderr ?? error)
  return (
    text
      .split('\n')
      .find((line) => /error/i.test(line))
      ?.trim() ?? text.slice(0, 100)
  )
}
