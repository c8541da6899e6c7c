import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { access, mkdtemp, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { cacheDirectory } from '../support/cache-dir.ts'

const run = promisify(execFile)
const HERE = dirname(fileURLToPath(import.meta.url))
const REQUIREMENTS = join(HERE, 'requirements.txt')
const SPARK_POM = join(HERE, 'spark', 'pom.xml')
const COPY_DEPENDENCIES = 'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies'
const INSTALL_TIMEOUT_MS = 20 * 60_000
const OUTPUT_LIMIT_BYTES = 64 * 1024 * 1024

/** What the judges run on; an engine that cannot run has its reason instead. */
export interface JudgeEnvironment {
  readonly python?: string
  readonly sparkJars?: string
  readonly reasons: readonly string[]
}

let prepared: Promise<JudgeEnvironment> | undefined

/**
 * The Python environment and the Spark jars of the judges, in the tests' cache, made on first use (minutes; 2 GB on disk) and kept
 * until the pinned versions change. `DATASHARD_JUDGES=off` makes nothing and finds nothing.
 */
export function prepareJudges(): Promise<JudgeEnvironment> {
  prepared ??= prepare()
  return prepared
}

async function prepare(): Promise<JudgeEnvironment> {
  if (process.env['DATASHARD_JUDGES'] === 'off') return { reasons: ['DATASHARD_JUDGES=off'] }
  const [python, sparkJars] = await Promise.allSettled([preparePython(), prepareSparkJars()])
  const reasons = [python, sparkJars].flatMap((result) => (result.status === 'rejected' ? [String(result.reason)] : []))
  return {
    ...(python.status === 'fulfilled' ? { python: python.value } : {}),
    ...(sparkJars.status === 'fulfilled' ? { sparkJars: sparkJars.value } : {}),
    reasons,
  }
}

function preparePython(): Promise<string> {
  return pythonEnvironment('python', REQUIREMENTS, 'the judges (pyiceberg, DuckDB, Spark, ...)')
}

/** The interpreter of an environment in the tests' cache that holds what a requirements file pins, installed on first use. */
export async function pythonEnvironment(name: string, requirements: string, what: string): Promise<string> {
  const directory = await madeOnce(name, requirements, async (staging) => {
    process.stderr.write(`installing ${what}: once, some minutes ...\n`)
    const python = join(staging, 'bin', 'python')
    const pip = ['-m', 'pip', '--disable-pip-version-check']
    const install = ['install', '--quiet', '--no-input', '-r', requirements]
    try {
      await command('python3', ['-m', 'venv', staging])
      await command(python, [...pip, ...install])
    } catch (error) {
      // Debian keeps ensurepip in a package of its own (python3-venv); the pip outside can install into the environment instead.
      if (!String(error).includes('ensurepip')) throw error
      await command('python3', ['-m', 'venv', '--clear', '--without-pip', staging])
      await command('python3', [...pip, '--python', python, ...install])
    }
  })
  return join(directory, 'bin', 'python')
}

function prepareSparkJars(): Promise<string> {
  return madeOnce('spark', SPARK_POM, async (staging) => {
    const options = ['-DincludeScope=runtime', '-DexcludeGroupIds=io.netty,org.slf4j', `-DoutputDirectory=${staging}`]
    await command('mvn', ['--quiet', '--batch-mode', '--file', SPARK_POM, COPY_DEPENDENCIES, ...options])
  })
}

/**
 * A cached directory named after the content of the file that pins what is in it. Made aside and renamed, so that it is complete whenever
 * it is there; of two runs that make it at once, one throws its copy away.
 */
async function madeOnce(name: string, pinnedBy: string, make: (staging: string) => Promise<void>): Promise<string> {
  const hash = createHash('sha256')
    .update(await readFile(pinnedBy))
    .digest('hex')
    .slice(0, 12)
  const parent = await cacheDirectory('judges')
  const directory = join(parent, `${name}-${hash}`)
  if (await exists(directory)) return directory
  const staging = await mkdtemp(join(parent, `${name}-making-`))
  try {
    await make(staging)
    await rename(staging, directory).catch(async (error: unknown) => {
      if (!(await exists(directory))) throw error
    })
  } finally {
    await rm(staging, { recursive: true, force: true })
  }
  return directory
}

async function command(program: string, args: readonly string[]): Promise<void> {
  try {
    await run(program, args, { timeout: INSTALL_TIMEOUT_MS, maxBuffer: OUTPUT_LIMIT_BYTES })
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
    const output = `${stdout}${stderr}`.trim().slice(-1000)
    throw new Error(`${program} ${args.slice(0, 3).join(' ')} failed: ${output === '' ? String(error) : output}`, {
      cause: error,
    })
  }
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
