/**
 * What functions run on: AWS's own runtime client for Node, `aws-lambda-ric`, and the Node versions that are tested. Both are installed
 * once into the tests' cache, not by `npm ci`: the client compiles curl and a C++ library as it is installed (cmake, make, a compiler; a
 * minute), and fails without them; each Node is 120 MB.
 */
import { execFile } from 'node:child_process'
import { access, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { cacheDirectory } from '../support/cache-dir.ts'

const run = promisify(execFile)
const INSTALL_TIMEOUT_MS = 10 * 60_000

/** `engines` of it says Node 22; it runs on 20 as well. Version 3, which is for 20, needs autotools on top to be installed. */
export const RIC_VERSION = '4.0.2'
/** The floor of this package, and the newest that Lambda runs. */
export const OLDEST_NODE = '20.19.0'
export const NEWEST_NODE = '24.9.0'

export interface RuntimeClient {
  /** What Node is started with. */
  readonly args: readonly string[]
  /** Whether its transport is the compiled one; else it is `native-client.mjs`, and all the rest is the client's own. */
  readonly native: boolean
}

/** The runtime client; where nothing can be compiled, with its compiled part, two HTTP calls, replaced. */
export async function runtimeClient(): Promise<RuntimeClient> {
  const spec = `aws-lambda-ric@${RIC_VERSION}`
  const main = (directory: string): string => join(directory, 'node_modules/aws-lambda-ric/index.mjs')
  try {
    return { args: [main(await installed(`ric-${RIC_VERSION}`, [spec]))], native: true }
  } catch (error) {
    const directory = await installed(`ric-${RIC_VERSION}-plain`, ['--ignore-scripts', spec])
    const why = String((error as { stderr?: string }).stderr ?? error)
    process.stderr.write(
      `${spec} cannot be compiled here, its HTTP calls are made by the tests: ${why.slice(0, 300)}\n`,
    )
    return { args: ['--import', join(import.meta.dirname, 'native-client.mjs'), main(directory)], native: false }
  }
}

/** The path of a Node of that version, from npm's package `node`. */
export async function nodeBinary(version: string): Promise<string> {
  if (process.versions.node === version) return process.execPath
  return join(await installed(`node-${version}`, [`node@${version}`]), 'node_modules/node/bin/node')
}

/** Made aside and renamed, so that it is complete whenever it is there. */
async function installed(name: string, args: readonly string[]): Promise<string> {
  const parent = await cacheDirectory('lambda-runtime')
  const directory = join(parent, name)
  if (await exists(directory)) return directory
  process.stderr.write(`installing ${args.at(-1)} for the tests of Lambda's runtime: once, a minute ...\n`)
  const staging = await mkdtemp(join(parent, `${name}-making-`))
  try {
    await writeFile(join(staging, 'package.json'), '{"private":true}')
    const options = ['install', '--no-audit', '--no-fund', '--loglevel=error']
    await run('npm', [...options, ...args], { cwd: staging, timeout: INSTALL_TIMEOUT_MS, maxBuffer: 1 << 26 })
    await rename(staging, directory).catch(async (error: unknown) => {
      if (!(await exists(directory))) throw error
    })
  } finally {
    await rm(staging, { recursive: true, force: true })
  }
  return directory
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
