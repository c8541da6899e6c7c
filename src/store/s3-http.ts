/**
 * Small requests over HTTP by Node's own client: one pool of connections, bodies that are there, and an end to every wait. The SDK's
 * handler does the same, but brings with it half of what loading the SDK costs; see docs/decisions/store-cold-start.md.
 */
import type { IncomingMessage, RequestOptions } from 'node:http'
import http from 'node:http'
import https from 'node:https'
import type { Socket } from 'node:net'
import { joinChunks } from './body.ts'

/** Hundreds of requests may be in flight at once when many small files are read or a store is raced. */
export const MAX_SOCKETS = 512
/** For name, connection and TLS handshake. */
export const CONNECTION_TIMEOUT_MS = 5_000

export interface HttpRequest {
  readonly protocol: string
  readonly hostname: string
  readonly port: number | undefined
  readonly method: string
  /** With its query. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array | undefined
}

export interface HttpAnswer {
  readonly status: number
  /** By lower-case names; those that came several times are joined. */
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly bytes: Uint8Array
}

export interface HttpLimits {
  readonly abortSignal?: AbortSignal | undefined
  /** Silence, before the answer and within it, that is not waited for any longer. */
  readonly requestTimeout: number
}

export class HttpClient {
  readonly #agents = new Map<string, http.Agent>()

  /** Sends once and reads the answer to its end. Rejects with an `AbortError`, a `TimeoutError`, or Node's error with its code. */
  send(request: HttpRequest, { abortSignal, requestTimeout }: HttpLimits): Promise<HttpAnswer> {
    const { protocol, hostname, port, method, path, headers, body } = request
    const options: RequestOptions = { hostname, method, path, headers, agent: this.#agentFor(protocol) }
    if (port !== undefined) options.port = port
    return new Promise((resolve, reject) => {
      if (abortSignal?.aborted) return reject(aborted(abortSignal))
      const outgoing = (protocol === 'http:' ? http : https).request(options)
      const end = (): void => {
        abortSignal?.removeEventListener('abort', onAbort)
        unwatch?.()
      }
      const fail = (error: Error): void => {
        end()
        reject(error)
        outgoing.destroy()
      }
      const onAbort = (): void => fail(aborted(abortSignal))
      abortSignal?.addEventListener('abort', onAbort, { once: true })
      let unwatch: (() => void) | undefined
      outgoing.once('socket', (socket) => {
        unwatch = watchSilence(socket, requestTimeout, fail)
      })
      // More may come after the first: a destroyed request says so once more.
      outgoing.on('error', fail)
      outgoing.once('response', (incoming) => {
        incoming.on('error', fail)
        readAll(incoming, (bytes) => {
          end()
          const { statusCode: status = 0 } = incoming
          resolve({ status, headers: incoming.headers as HttpAnswer['headers'], bytes })
        })
      })
      outgoing.end(body)
    })
  }

  /** Ends the connections. */
  close(): void {
    for (const agent of this.#agents.values()) agent.destroy()
  }

  #agentFor(protocol: string): http.Agent {
    const known = this.#agents.get(protocol)
    if (known) return known
    const options = { keepAlive: true, maxSockets: MAX_SOCKETS }
    const agent = protocol === 'http:' ? new http.Agent(options) : new https.Agent(options)
    this.#agents.set(protocol, agent)
    return agent
  }
}

/** Fails when a new connection is not there in time, and when nothing goes over it for too long. Returns how to stop watching. */
function watchSilence(socket: Socket, requestTimeoutMs: number, fail: (error: Error) => void): () => void {
  const connectionMs = Math.min(CONNECTION_TIMEOUT_MS, requestTimeoutMs)
  const onConnected = (): void => void socket.setTimeout(requestTimeoutMs)
  const connected = 'encrypted' in socket ? 'secureConnect' : 'connect'
  const isNew = socket.connecting
  const onTimeout = (): void => {
    const waited = socket.timeout ?? requestTimeoutMs
    fail(Object.assign(new Error(`nothing was heard for ${waited} ms`), { name: 'TimeoutError' }))
  }
  socket.setTimeout(isNew ? connectionMs : requestTimeoutMs)
  if (isNew) socket.once(connected, onConnected)
  socket.on('timeout', onTimeout)
  return () => {
    socket.off(connected, onConnected)
    socket.off('timeout', onTimeout)
  }
}

function readAll(incoming: IncomingMessage, done: (bytes: Uint8Array) => void): void {
  const chunks: Uint8Array[] = []
  incoming.on('data', (chunk: Uint8Array) => chunks.push(chunk))
  incoming.on('end', () => {
    const { buffer, byteOffset, byteLength } = joinChunks(chunks)
    // Not a Buffer, whose slice() is another.
    done(new Uint8Array(buffer, byteOffset, byteLength))
  })
}

function aborted(signal: AbortSignal | undefined): Error {
  return Object.assign(new Error('the request was cancelled', { cause: signal?.reason }), { name: 'AbortError' })
}
