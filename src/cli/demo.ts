/** `datashard demo`: several processes append to one new table at once; then a look around in it. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { DataShardError, invalid } from '../errors.ts'
import type { CommandCall } from './command-spec.ts'
import { EXIT } from './exit-code.ts'
import { withTable } from './location.ts'
import { countOf, formatCount, formatDuration } from './progress.ts'
import { parseSchemaText } from './schema-text.ts'
import { type Session, printResult, write } from './session.ts'

interface DemoOptions {
  readonly processes?: number
  readonly yes?: boolean
}

const DEFAULT_DIRECTORY = './datashard-demo'
const DEFAULT_PROCESSES = 4
const MAX_PROCESSES = 64

/** Each process appends so often, so many rows at a time. */
const COMMITS = 5
const ROWS_PER_COMMIT = 20

const SCHEMA = `id string not null, at timestamptz not null, worker string not null, kind string not null, amount decimal(8,2)`

/** Marks a table that a demo may replace. */
const MARK = { name: 'datashard.demo', value: 'true' }

export async function run({ session, args, options }: CommandCall<DemoOptions>): Promise<number> {
  const directory = args[0] ?? DEFAULT_DIRECTORY
  const processes = options.processes ?? DEFAULT_PROCESSES
  if (processes > MAX_PROCESSES) invalid(`--processes ${processes} is more than a demo needs; at most ${MAX_PROCESSES}`)
  await makeTable(session, directory, options)
  const startMs = session.runtime.monotonic()
  const expected = processes * COMMITS * ROWS_PER_COMMIT
  await say(
    session,
    `${processes} processes append to ${directory}, ${countOf(expected, 'row')} in all, each in ${COMMITS} appends ...`,
  )
  await Promise.all(Array.from({ length: processes }, (_, i) => appendInProcess(session, directory, i + 1)))
  const elapsedMs = Math.round(session.runtime.monotonic() - startMs)
  const { rows, commits, halfWay } = await withTable(session, directory, async (table) => {
    const snapshots = table.snapshots()
    return {
      rows: await table.scan({ signal: session.signal }).count(),
      commits: snapshots.length,
      halfWay: snapshots[Math.floor(snapshots.length / 2)]?.snapshotId,
    }
  })
  await say(
    session,
    `${countOf(rows, 'row')} there, ${formatCount(expected)} expected, ${commits} commits, ${formatDuration(elapsedMs)}`,
  )
  if (session.options.json === true) {
    await printResult(session, { location: directory, processes, rows, expected, commits, elapsedMs }, () => '')
  } else if (halfWay !== undefined) await lookAround(session, directory, halfWay)
  return Number(rows) === expected ? EXIT.ok : EXIT.failed
}

async function makeTable(session: Session, directory: string, options: DemoOptions): Promise<void> {
  const { createTable } = await import('../table/create.ts')
  const { dropTable } = await import('../table/drop.ts')
  const { runtime, signal } = session
  const create = () =>
    createTable(directory, {
      schema: parseSchemaText(SCHEMA),
      properties: { [MARK.name]: MARK.value },
      runtime,
      signal,
    })
  try {
    return await (await create()).close()
  } catch (error) {
    if (!DataShardError.is(error, 'already-exists')) throw error
  }
  const isDemo = await withTable(session, directory, async (table) => table.properties[MARK.name] === MARK.value)
  if (!isDemo) invalid(`the table at ${directory} is not a demo's: name another directory`)
  if (options.yes !== true) invalid(`${directory} holds the table of an earlier demo; --yes replaces it`)
  await dropTable(directory, { runtime, signal })
  await (await create()).close()
}

/** The program itself, started once more as `datashard append`. */
async function appendInProcess(session: Session, directory: string, worker: number): Promise<void> {
  const main = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? './main.ts' : './main.js', import.meta.url))
  const name = `worker-${worker}`
  const args = [
    'append',
    directory,
    '--format',
    'ndjson',
    '--batch-rows',
    String(ROWS_PER_COMMIT),
    '--writer',
    name,
    '--json',
  ]
  const child = spawn(process.execPath, [...process.execArgv, main, ...args], {
    stdio: ['pipe', 'ignore', 'pipe'],
    signal: session.signal,
  })
  let complaint = ''
  child.stderr.on('data', (chunk: Buffer) => {
    complaint += chunk.toString()
  })
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
  // A child that dies early must not make the parent fail with a broken pipe before its message is read.
  child.stdin.on('error', () => {})
  for (let i = 0; i < COMMITS * ROWS_PER_COMMIT; i++) child.stdin.write(`${JSON.stringify(demoRow(name, worker, i))}\n`)
  child.stdin.end()
  const code = await ended
  if (code !== 0) throw new DataShardError('internal', `${name} ended with code ${code}: ${complaint.trim()}`)
}

const KINDS = ['login', 'view', 'view', 'view', 'purchase'] as const
const BEGINNING_MS = Date.UTC(2026, 0, 1)

function demoRow(name: string, worker: number, i: number) {
  const kind = KINDS[(i * 7 + worker) % KINDS.length]!
  const cents = ((i * 7919 + worker * 104_729) % 20_000) + 99
  return {
    id: `${name}-${String(i).padStart(4, '0')}`,
    at: new Date(BEGINNING_MS + i * 60_000 + worker * 1_000).toISOString(),
    worker: name,
    kind,
    amount: kind === 'purchase' ? (cents / 100).toFixed(2) : null,
  }
}

async function lookAround(session: Session, directory: string, halfWay: bigint): Promise<void> {
  const log = await import('./log.ts')
  const scan = await import('./scan.ts')
  const call = <Options>(options: Options) => ({ session, args: [directory], options })
  const where = "kind = 'purchase' and amount >= 150"
  await say(session, `\n$ datashard log ${directory} --limit 8`)
  await log.run(call({ limit: 8 }))
  await say(session, `\n$ datashard scan ${directory} --where "${where}" --limit 5`)
  await scan.run(call({ where, limit: 5 }))
  await say(session, `\n$ datashard scan ${directory} --snapshot ${halfWay} --count   # the table as it was half-way`)
  await scan.run(call({ snapshot: String(halfWay), count: true }))
  await say(session, `\nThe table is in ${directory}. Next: datashard verify ${directory} --deep`)
}

async function say(session: Session, text: string): Promise<void> {
  if (session.options.json !== true) await write(session.io.stdout, `${text}\n`)
}
