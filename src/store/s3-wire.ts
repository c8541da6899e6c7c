/** What goes over the wire: where requests go, whether they did, and what time it is there. */
import type { S3Client } from '@aws-sdk/client-s3'
import type { Runtime } from '../runtime.ts'
import { systemRuntime } from '../runtime.ts'
import { ClockOffset } from './clock-offset.ts'

/** HTTP dates have whole seconds. */
const DATE_RESOLUTION_MS = 1_000

interface WireRequest {
  readonly protocol?: string
  readonly hostname?: string
  readonly port?: number | undefined
}

type WireHeaders = Readonly<Record<string, string | undefined>>

interface WireResponse {
  readonly statusCode?: number
  readonly headers?: WireHeaders
}

/** What every command of the SDK has: a stack of middleware of its own. */
export interface WatchedCommand {
  readonly middlewareStack: object
}

/** One try of one request. */
export interface Attempt {
  /** A conditional write: it may not be sent twice, whatever a client of the caller's would do. */
  readonly once: boolean
  /** Whether it was handed to the HTTP handler. */
  sent: boolean
}

/** When a request was sent, by the runtime's clock and the machine's, which differ where a simulation has its own. */
interface SentAt {
  readonly ms: number
  readonly machineMs: number
}

export class S3Wire {
  readonly #runtime: Runtime
  readonly #clock = new ClockOffset()
  readonly #machineClock = new ClockOffset()
  #origin: URL | undefined
  #originText = ''
  #date = { text: '', ms: Number.NaN }

  constructor(runtime: Runtime) {
    this.#runtime = runtime
  }

  /** The store's clock less the runtime's. */
  get clockOffsetMs(): number {
    return this.#clock.ms
  }

  /** The store's clock less the machine's, by which requests are signed. */
  get machineOffsetMs(): number {
    return this.#machineClock.ms
  }

  /** Where the last request went, if there was one; with virtual-hosted addresses the bucket is part of it. */
  get origin(): URL | undefined {
    return this.#origin
  }

  /** To be called when a request is sent; the result goes to `answered`. */
  sending(origin: string): SentAt {
    if (origin !== this.#originText && URL.canParse(origin)) {
      this.#origin = new URL(origin)
      this.#originText = origin
    }
    return { ms: this.#runtime.now(), machineMs: systemRuntime.now() }
  }

  answered(headers: WireHeaders | undefined, sent: SentAt): void {
    const date = headers?.['date']
    if (date === undefined) return
    // Many answers come in one second.
    if (date !== this.#date.text) this.#date = { text: date, ms: Date.parse(date) }
    const sample = { storeMs: this.#date.ms, resolutionMs: DATE_RESOLUTION_MS }
    this.#clock.learn({ ...sample, sentMs: sent.ms, receivedMs: this.#runtime.now() })
    this.#machineClock.learn({ ...sample, sentMs: sent.machineMs, receivedMs: systemRuntime.now() })
  }

  /**
   * Watches a command of the SDK, from its innermost middleware, next to the HTTP handler. With `once` it is sent at most once,
   * whatever a retry strategy of the client's wants: a conditional write that is repeated meets itself and is answered like a
   * lost race.
   */
  watch(command: WatchedCommand, attempt: Attempt): void {
    let failure: unknown
    // Each command types its stack for its own input and output; nothing here looks at either.
    const stack = command.middlewareStack as S3Client['middlewareStack']
    stack.add(
      (next) => async (args) => {
        if (attempt.once && attempt.sent) throw failure
        attempt.sent = true
        const sent = this.sending(originOf(args.request as WireRequest))
        try {
          const result = await next(args)
          const response = result.response as WireResponse
          this.answered(response.headers, sent)
          failure = untrusted(response)
          return result
        } catch (error) {
          failure = error
          throw error
        }
      },
      { name: 'datashardWire', step: 'deserialize', priority: 'low', override: true },
    )
  }
}

export function originOf({ protocol, hostname, port }: WireRequest): string {
  return `${protocol ?? 'https:'}//${hostname}${port === undefined ? '' : `:${port}`}`
}

/** What stands for the first answer when a client wants to send a conditional write again: its status, as errors have it. */
function untrusted({ statusCode }: WireResponse): Error {
  const error = new Error('the answer to a conditional write was not to be trusted, and it is not sent again')
  return Object.assign(error, { $metadata: { httpStatusCode: statusCode } })
}
