import { Agent, createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'

export interface DelayProxy {
  readonly endpoint: string
  /** Requests since the start or the last `reset()`, by HTTP method. */
  readonly requests: Readonly<Record<string, number>>
  readonly total: number
  delayMs: number
  reset(): void
  stop(): Promise<void>
}

/**
 * A proxy in front of an HTTP endpoint that makes every request `delayMs` slower, as a network would, and counts them. Headers pass
 * unchanged, `Host` among them: clients sign the host that they talk to (this proxy), and the server verifies the one that it is told.
 */
export async function startDelayProxy(target: string, delayMs: number): Promise<DelayProxy> {
  const { hostname, port } = new URL(target)
  const agent = new Agent({ keepAlive: true, maxSockets: 1024 })
  const counts: Record<string, number> = {}
  let total = 0
  let delay = delayMs

  async function forward(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET', url: path, headers } = incoming
    counts[method] = (counts[method] ?? 0) + 1
    total += 1
    if (delay > 0) await sleep(delay)
    const outgoing = httpRequest({ hostname, port, method, path, headers, agent, setHost: false })
    const answered = new Promise<IncomingMessage>((resolve, reject) => {
      outgoing.once('response', resolve)
      outgoing.once('error', reject)
    })
    answered.catch(() => {}) // awaited below; a failing upload must not leave it unhandled meanwhile
    // Not both in turn: a server may answer before it has read the whole body.
    await Promise.race([pipeline(incoming, outgoing), answered])
    const answer = await answered
    response.writeHead(answer.statusCode ?? 502, answer.headers)
    await pipeline(answer, response)
  }

  const server = createServer((incoming, response) => {
    forward(incoming, response).catch(() => incoming.socket.destroy())
  })
  server.keepAliveTimeout = 60_000
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const address = server.address()
  const listening = typeof address === 'object' && address !== null ? address.port : 0
  return {
    endpoint: `http://127.0.0.1:${listening}`,
    requests: counts,
    get total() {
      return total
    },
    get delayMs() {
      return delay
    },
    set delayMs(value: number) {
      delay = value
    },
    reset() {
      for (const method of Object.keys(counts)) delete counts[method]
      total = 0
    },
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      agent.destroy()
      await closed
    },
  }
}
