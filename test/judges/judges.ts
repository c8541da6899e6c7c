import { spawn, type ChildProcess } from 'node:child_process'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { sortRows, type CanonicalRow } from './canonical.ts'
import { prepareJudges, type JudgeEnvironment } from './setup.ts'
import type { S3Endpoint } from '../support/minio.ts'

const JUDGE = join(dirname(fileURLToPath(import.meta.url)), 'judge.py')
/** Spark on a busy machine, first query: tens of seconds. Beyond this it hangs. */
const ANSWER_TIMEOUT_MS = 180_000
const STDERR_TAIL_CHARS = 4000

export const ENGINES = ['pyiceberg', 'duckdb', 'spark', 'clickhouse', 'polars', 'daft'] as const
export type EngineName = (typeof ENGINES)[number]

export interface JudgeRequest {
  /** The table's root: an absolute directory without scheme, or `s3://bucket/prefix`. */
  readonly location: string
  /** Open this metadata file instead of what lies at the root: for tables without a version hint. */
  readonly metadataFile?: string | undefined
  /** Needed for `s3://` locations. */
  readonly s3?: S3Endpoint | undefined
  readonly snapshotId?: string | bigint | undefined
  /** Spark and pyiceberg only. */
  readonly tag?: string | undefined
  readonly columns?: readonly string[] | undefined
  /** In the engine's own SQL; for pyiceberg in its expression language. */
  readonly filter?: string | undefined
  /** Instead of columns and filter: a query with `{table}` in its FROM. DuckDB, Spark and ClickHouse only. */
  readonly sql?: string | undefined
  /** Spark only: a query whose rows Spark appends before it reads. It commits by renaming: safe where nobody else writes. */
  readonly append?: string | undefined
}

export interface Judges {
  readonly available: readonly EngineName[]
  /** Why the others cannot judge. */
  readonly missing: ReadonlyMap<EngineName, string>
  /** The rows that this engine sees, canonical and sorted (canonical.ts). Rejects with the engine's own error. */
  read(engine: EngineName, request: JudgeRequest): Promise<CanonicalRow[]>
  stop(): Promise<void>
}

/**
 * Starts one process per engine, so that a JVM or an import is paid for once per test file. Judges that cannot run are named on
 * stderr; with `DATASHARD_REQUIRE_JUDGES=1` they are an error.
 */
export async function startJudges(
  names: readonly EngineName[] = ENGINES,
  { answerTimeoutMs = ANSWER_TIMEOUT_MS }: { readonly answerTimeoutMs?: number } = {},
): Promise<Judges> {
  const environment = await prepareJudges()
  const running = new Map<EngineName, JudgeProcess>()
  const missing = new Map<EngineName, string>()
  await Promise.all(
    names.map(async (name) => {
      try {
        running.set(name, await startProcess(name, environment, answerTimeoutMs))
      } catch (error) {
        missing.set(name, error instanceof Error ? error.message : String(error))
      }
    }),
  )
  const stop = async (): Promise<void> => {
    await Promise.all([...running.values()].map((judge) => judge.stop()))
  }
  if (missing.size > 0) {
    const list = [...missing].map(([name, why]) => `  - ${name}: ${why}`).join('\n')
    if (process.env['DATASHARD_REQUIRE_JUDGES'] === '1') {
      await stop()
      throw new Error(`DATASHARD_REQUIRE_JUDGES=1, but some judges cannot run:\n${list}`)
    }
    process.stderr.write(`\n!!! MISSING JUDGES: no other engine confirms what these would have read.\n${list}\n\n`)
  }
  return {
    available: names.filter((name) => running.has(name)),
    missing,
    read(engine, request) {
      const judge = running.get(engine)
      if (judge === undefined)
        return Promise.reject(new Error(`${engine} cannot judge: ${missing.get(engine) ?? 'not started'}`))
      return judge.read(request)
    },
    stop,
  }
}

interface JudgeProcess {
  read(request: JudgeRequest): Promise<CanonicalRow[]>
  stop(): Promise<void>
}

interface Answer {
  readonly ready?: string
  readonly unavailable?: string
  readonly rows?: CanonicalRow[]
  readonly error?: string
}

async function startProcess(
  name: EngineName,
  { python, sparkJars, reasons }: JudgeEnvironment,
  answerTimeoutMs: number,
): Promise<JudgeProcess> {
  if (python === undefined || (name === 'spark' && sparkJars === undefined)) throw new Error(reasons.join('; '))
  const child = spawn(python, [JUDGE, name], {
    // TZ: no engine may show the zone of the machine. No AWS_*: a judge sees what its request gives it, and nothing else.
    env: { ...withoutAws(process.env), TZ: 'UTC', DATASHARD_SPARK_JARS: sparkJars ?? '', PYTHONDONTWRITEBYTECODE: '1' },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const killNow = (): void => void child.kill('SIGKILL')
  process.once('exit', killNow)
  const exited = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const next = answersOf(child, name, answerTimeoutMs)
  const stop = async (): Promise<void> => {
    process.removeListener('exit', killNow)
    child.stdin.end() // the judge ends with its input, and Spark takes its JVM along
    const impatience = setTimeout(killNow, 10_000)
    await exited
    clearTimeout(impatience)
  }

  const first = await next()
  if (first.unavailable !== undefined) {
    await stop()
    throw new Error(first.unavailable)
  }
  // One question at a time: answers carry no number, so each is awaited before the next question goes out.
  let turn: Promise<unknown> = Promise.resolve()
  const read = (request: JudgeRequest): Promise<CanonicalRow[]> => {
    const answered = turn.then(async () => {
      child.stdin.write(`${JSON.stringify(wire(request))}\n`)
      const { rows, error } = await next()
      if (rows === undefined) throw new Error(`${name}: ${error ?? 'no rows'}`)
      return sortRows(rows)
    })
    turn = answered.catch(() => {})
    return answered
  }
  return { read, stop }
}

/** A function that gives the child's next line, and fails when it ends or takes too long. */
function answersOf(child: ChildProcess, name: EngineName, answerTimeoutMs: number): () => Promise<Answer> {
  let stderr = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr = (stderr + chunk.toString()).slice(-STDERR_TAIL_CHARS)
  })
  child.stdin?.on('error', () => {}) // a judge that died: its 'close' tells
  const failed = new Promise<never>((_resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => reject(new Error(`the ${name} judge ended (${code}): ${stderr}`)))
  })
  failed.catch(() => {})
  if (child.stdout === null) throw new Error('a judge needs its stdout')
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return async () => {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        child.kill('SIGKILL') // its answer would be taken for that of the next question
        reject(new Error(`${name} gave no answer in ${answerTimeoutMs} ms: ${stderr}`))
      }, answerTimeoutMs)
    })
    try {
      const line = await Promise.race([lines.next(), failed, late])
      return line.done === true ? await failed : (JSON.parse(line.value) as Answer)
    } finally {
      clearTimeout(timer)
    }
  }
}

function wire({ s3, snapshotId, ...request }: JudgeRequest): object {
  return {
    ...request,
    snapshotId: snapshotId?.toString() ?? null,
    s3: s3 === undefined ? null : toWire(s3),
  }
}

function toWire({ endpoint, accessKeyId, secretAccessKey, region }: S3Endpoint): object {
  return { endpoint, accessKey: accessKeyId, secretKey: secretAccessKey, region }
}

function withoutAws(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => !name.startsWith('AWS_') || name === 'AWS_CA_BUNDLE'),
  )
}
