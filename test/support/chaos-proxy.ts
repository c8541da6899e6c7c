import { setMaxListeners } from 'node:events'
import { Agent, createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { seeded } from './seeded.ts'

/**
 * What a network and the boxes in it do to a request. `cut-before`: the connection breaks before it is passed on; `cut-after`: it has its
 * effect, and the connection breaks before the answer. `refuse-before`, `refuse-after`: a 503 of the proxy's own instead. `repeat`: it is
 * passed on twice, and the second answer comes back. `repeat-late`: it is answered, and passed on once more seconds later, when nobody
 * waits for it. `late-request`, `late-answer`: it waits for up to `maxDelayMs` on its way there, or back.
 */
export const CHAOS = [
  'cut-before',
  'cut-after',
  'refuse-before',
  'refuse-after',
  'repeat',
  'repeat-late',
  'late-request',
  'late-answer',
] as const
export type Chaos = (typeof CHAOS)[number]

export interface ChaosOptions {
  readonly seed: number
  /** How likely each is, for every request; at most one happens to a request. */
  readonly odds: Readonly<Partial<Record<Chaos, number>>>
  /** Default 3,000. */
  readonly maxDelayMs?: number
}

export interface ChaosProxy {
  readonly endpoint: string
  /** How often each has happened. */
  readonly happened: Readonly<Record<Chaos, number>>
  readonly requests: number
  stop(): Promise<void>
}

interface Passed {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

const UNAVAILABLE =
  '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>SlowDown</Code><Message>chaos</Message></Error>'

/** A proxy in front of an S3 server that breaks requests by a seed. Headers pass unchanged, so signatures hold. */
export async function startChaosProxy(target: string, options: ChaosOptions): Promise<ChaosProxy> {
  const { hostname, port } = new URL(target)
  const { seed, odds, maxDelayMs = 3_000 } = options
  const random = seeded(seed)
  const agent = new Agent({ keepAlive: true, maxSockets: 1024 })
  const happened = Object.fromEntries(CHAOS.map((kind) => [kind, 0])) as Record<Chaos, number>
  const stopping = new AbortController()
  // Each request that is late listens to it.
  setMaxListeners(0, stopping.signal)
  let requests = 0

  function draw(): Chaos | undefined {
    let left = random()
    for (const kind of CHAOS) {
      left -= odds[kind] ?? 0
      if (left < 0) return kind
    }
    return undefined
  }

  function pass(incoming: IncomingMessage, body: Buffer): Promise<Passed> {
    const { method = 'GET', url: path, headers } = incoming
    return new Promise((resolve, reject) => {
      const outgoing = httpRequest({ hostname, port, method, path, headers, agent, setHost: false }, (answer) => {
        bytesOf(answer).then(
          (bytes) => resolve({ status: answer.statusCode ?? 502, headers: answer.headers, body: bytes }),
          reject,
        )
      })
      outgoing.once('error', reject)
      outgoing.end(body)
    })
  }

  async function handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await bytesOf(incoming)
    requests += 1
    const chaos = draw()
    const waitMs = random() * maxDelayMs
    if (chaos) happened[chaos] += 1
    if (chaos === 'cut-before') return void incoming.socket.resetAndDestroy()
    if (chaos === 'refuse-before') return refuse(response)
    if (chaos === 'late-request') await sleep(waitMs, undefined, { signal: stopping.signal })
    let answer = await pass(incoming, body)
    if (chaos === 'repeat') answer = await pass(incoming, body)
    if (chaos === 'repeat-late') {
      void sleep(waitMs, undefined, { signal: stopping.signal })
        .then(() => pass(incoming, body))
        .catch(() => undefined)
    }
    if (chaos === 'late-answer') await sleep(waitMs, undefined, { signal: stopping.signal })
    if (chaos === 'cut-after') incoming.socket.resetAndDestroy()
    else if (chaos === 'refuse-after') refuse(response)
    else response.writeHead(answer.status, answer.headers).end(answer.body)
  }

  const server = createServer((incoming, response) => {
    handle(incoming, response).catch(() => incoming.socket.destroy())
  })
  server.keepAliveTimeout = 60_000
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const address = server.address()
  return {
    endpoint: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`,
    happened,
    get requests() {
      return requests
    },
    async stop() {
      stopping.abort()
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      agent.destroy()
      await closed
    },
  }
}

function refuse(response: ServerResponse): void {
  response.writeHead(503, { 'content-type': 'application/xml', 'content-length': Buffer.byteLength(UNAVAILABLE) })
  response.end(UNAVAILABLE)
}

async function bytesOf(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of message) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}
