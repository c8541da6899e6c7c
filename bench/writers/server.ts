/**
 * The S3 server of a bench in a process of its own, so that it takes no CPU from the writers' event loops and its own is known: the small
 * server of the tests, which delays by itself, or MinIO behind the delay proxy.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { startDelayProxy } from '../../test/support/delay-proxy.ts'
import { startS3, type S3Endpoint } from '../../test/support/minio.ts'
import { startS3Server } from '../../test/support/s3-server.ts'
import { jobOf, say, startWork, told } from '../support/in-child.ts'
import type { ServerCounts, ServerJob, ServerWord } from './job.ts'

/** Of Linux's `getconf CLK_TCK`, everywhere. */
const TICKS_PER_SECOND = 100

interface Server {
  readonly s3: S3Endpoint
  /** Requests since the last reset, by verb. */
  readonly counts: () => Record<string, number>
  reset(): void
  setDelay(ms: number): void
}

const { kind } = jobOf<ServerJob>()
const server = await (kind === 'light' ? startLight() : startMinio())
await say({ s3: server.s3 })
let work = startWork()
let childrenBefore = 0
for await (const word of told() as AsyncIterable<ServerWord>) {
  if (word.ask === 'start') {
    server.setDelay(word.delayMs)
    server.reset()
    work = startWork()
    childrenBefore = childrenCpuSeconds()
    await say({ started: true })
  } else {
    const { cpuSeconds, eventLoop } = work()
    const counts: ServerCounts = {
      requests: server.counts(),
      cpuSeconds: cpuSeconds + childrenCpuSeconds() - childrenBefore,
      eventLoop,
    }
    server.setDelay(0)
    await say(counts)
  }
}

async function startLight(): Promise<Server> {
  const light = await startS3Server({ buckets: ['bench'] })
  return {
    s3: {
      kind: 'own',
      endpoint: light.endpoint,
      accessKeyId: 'bench',
      secretAccessKey: 'bench-secret',
      region: 'us-east-1',
    },
    counts: () => {
      const counts: Record<string, number> = {}
      for (const { operation, method } of light.requests) {
        const verb = operation.startsWith('List') ? 'LIST' : method
        counts[verb] = (counts[verb] ?? 0) + 1
      }
      return counts
    },
    reset: () => {
      light.requests.length = 0
    },
    setDelay: (ms) => {
      light.options.delayMs = ms
    },
  }
}

async function startMinio(): Promise<Server> {
  const { endpoint, ...rest } = await startS3()
  const proxy = await startDelayProxy(endpoint, 0)
  return {
    s3: { ...rest, endpoint: proxy.endpoint },
    counts: () => ({ ...proxy.requests }),
    reset: () => proxy.reset(),
    setDelay: (ms) => {
      proxy.delayMs = ms
    },
  }
}

/** CPU of the processes below this one (MinIO and its shell), where /proc tells. */
function childrenCpuSeconds(): number {
  try {
    const stats = readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map((pid) => statOf(Number(pid)))
      .filter((stat) => stat !== undefined)
    const below = new Set([process.pid])
    // Parents have lower numbers than their children nearly always; a second pass finds the rest.
    for (let pass = 0; pass < 2; pass++) for (const { pid, parent } of stats) if (below.has(parent)) below.add(pid)
    below.delete(process.pid)
    return stats.filter(({ pid }) => below.has(pid)).reduce((sum, { ticks }) => sum + ticks, 0) / TICKS_PER_SECOND
  } catch {
    return 0
  }
}

function statOf(pid: number): { pid: number; parent: number; ticks: number } | undefined {
  try {
    // The name in parentheses may hold blanks; what follows the last one is plain.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ')
    return { pid, parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) }
  } catch {
    return undefined // it has ended meanwhile
  }
}
