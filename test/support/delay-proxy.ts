import { Agent, createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'
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
    // What comes meanwhile waits: a small body is whole by then, and goes on in one write.
    const early: Buffer[] = []
    const keep = (chunk: Buffer): void => void early.push(chunk)
    incoming.on('data', keep)
    if (delay > 0) await sleep(delay)
    incoming.off('data', keep)
    const outgoing = httpRequest({ hostname, port, method, path, headers, agent, setHost: false })
    outgoing.once('response', (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.once('error', () => response.destroy())
      answer.pipe(response)
    })
    outgoing.once('error', () => incoming.socket.destroy())
    incoming.once('error', () => outgoing.destroy())
    if (incoming.complete) return void outgoing.end(Buffer.concat(early))
    for (const chunk of early) outgoing.write(chunk)
    incoming.pipe(outgoing)
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
