/** Who takes part: ours, and the peers that this machine can offer. Who is missing is named, never silently left out. */
import { join } from 'node:path'
import { pythonEnvironment } from '../../test/judges/setup.ts'
import type { Built } from '../support/built.ts'

const PEERS = join(import.meta.dirname, 'peers')

export interface Contestant {
  readonly name: string
  /** The program to which a job is given as its last argument. */
  readonly command: readonly string[]
  readonly env: NodeJS.ProcessEnv
  /** `engine`: another engine reads the table at its location. `own`: only the peer itself finds it there. */
  readonly judgedBy: 'engine' | 'own'
  /** The most writers that are worth its time: beyond it, a run takes many minutes and says nothing new. */
  readonly maxWriters: number
}

const PYTHON_PEERS = [
  { name: 'pyiceberg', script: 'pyiceberg_peer.py', maxWriters: 16 },
  { name: 'delta-rs', script: 'delta_peer.py', maxWriters: 16 },
  { name: 'lance', script: 'lance_peer.py', maxWriters: 16 },
] as const

export const CONTESTANTS: readonly string[] = ['datashard', 'icebird', ...PYTHON_PEERS.map(({ name }) => name)]

export async function findContestants(built: Built, wanted: readonly string[]): Promise<Contestant[]> {
  const found: Contestant[] = []
  const missing: string[] = []
  if (wanted.includes('datashard')) {
    const program = await built.program(join(import.meta.dirname, 'ours.ts'))
    const command = [process.execPath, program]
    found.push({ name: 'datashard', command, env: {}, judgedBy: 'engine', maxWriters: Number.POSITIVE_INFINITY })
  }
  if (wanted.includes('icebird')) {
    const problem = await icebirdProblem()
    const command = [process.execPath, await built.program(join(PEERS, 'icebird.ts'))]
    if (problem === undefined) found.push({ name: 'icebird', command, env: {}, judgedBy: 'own', maxWriters: 64 })
    else missing.push(`icebird: ${problem}`)
  }
  const pythonPeers = PYTHON_PEERS.filter(({ name }) => wanted.includes(name))
  if (pythonPeers.length > 0) {
    try {
      const python = await pythonEnvironment('peers', join(PEERS, 'requirements.txt'), 'pyiceberg, delta-rs and Lance')
      for (const { name, script, maxWriters } of pythonPeers) {
        const env = { PYTHONPATH: PEERS, PYTHONDONTWRITEBYTECODE: '1' }
        found.push({ name, command: [python, join(PEERS, script)], env, judgedBy: 'own', maxWriters })
      }
    } catch (error) {
      missing.push(...pythonPeers.map(({ name }) => `${name}: ${String(error)}`))
    }
  }
  if (missing.length > 0) console.error(`\n!!! MISSING PEERS:\n${missing.map((one) => `  - ${one}`).join('\n')}\n`)
  return found
}

async function icebirdProblem(): Promise<string | undefined> {
  try {
    const icebird = (await import(process.env['ICEBIRD'] ?? 'icebird')) as { icebergAppend?: unknown }
    return icebird.icebergAppend === undefined
      ? 'this version cannot append; ICEBIRD may name another module'
      : undefined
  } catch (error) {
    return `${String(error)}; install it, or name its module in ICEBIRD`
  }
}
