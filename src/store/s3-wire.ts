/** What goes over the wire for one command: seen from the innermost middleware of the SDK, next to the HTTP handler. */
import type { S3Client } from '@aws-sdk/client-s3'
import type { Runtime } from '../runtime.ts'
import { ClockOffset } from './clock-offset.ts'

/** HTTP dates have whole seconds. */
const DATE_RESOLUTION_MS = 1_000

interface WireRequest {
  readonly protocol?: string
  readonly hostname?: string
  readonly port?: number
}

interface WireResponse {
  readonly statusCode?: number
  readonly headers?: Readonly<Record<string, string | undefined>>
}

/** What every command of the SDK has: a stack of middleware of its own. */
export interface WatchedCommand {
  readonly middlewareStack: object
}

export interface Watch {
  /** Whether the command was handed to the HTTP handler. */
  readonly sent: boolean
}

/** Learns where requests go and what time it is there. */
export class S3Wire {
  readonly #runtime: Runtime
  readonly #clock = new ClockOffset()
  #origin: URL | undefined

  constructor(runtime: Runtime) {
    this.#runtime = runtime
  }

  get clockOffsetMs(): number {
    return this.#clock.ms
  }

  /** Where the last request went, if there was one; with virtual-hosted addresses the bucket is part of it. */
  get origin(): URL | undefined {
    return this.#origin
  }

  /**
   * Watches a command. With `once` it is sent at most once, whatever a retry strategy of the client's wants: a conditional
   * write that is repeated meets itself and is answered like a lost race.
   */
  watch(command: WatchedCommand, once: boolean): Watch {
    const watch = { sent: false }
    let failure: unknown
    // Each command types its stack for its own input and output; nothing here looks at either.
    const stack = command.middlewareStack as S3Client['middlewareStack']
    stack.add(
      (next) => async (args) => {
        if (once && watch.sent) throw failure
        watch.sent = true
        this.#learnOrigin(args.request as WireRequest)
        const sentMs = this.#runtime.now()
        try {
          const result = await next(args)
          this.#learnClock(result.response as WireResponse, sentMs)
          failure = untrusted(result.response as WireResponse)
          return result
        } catch (error) {
          failure = error
          throw error
        }
      },
      { name: 'datashardWire', step: 'deserialize', priority: 'low', override: true },
    )
    return watch
  }

  #learnOrigin({ protocol, hostname, port }: WireRequest): void {
    if (hostname === undefined || (this.#origin?.hostname === hostname && this.#origin.port === String(port ?? '')))
      return
    const origin = `${protocol ?? 'https:'}//${hostname}${port === undefined ? '' : `:${port}`}`
    if (URL.canParse(origin)) this.#origin = new URL(origin)
  }

  #learnClock(response: WireResponse | undefined, sentMs: number): void {
    const date = response?.headers?.['date']
    if (date === undefined) return
    const receivedMs = this.#runtime.now()
    this.#clock.learn({ storeMs: Date.parse(date), resolutionMs: DATE_RESOLUTION_MS, sentMs, receivedMs })
  }
}

/** What stands for the first answer when a client wants to send a conditional write again: its status, as errors have it. */
function untrusted({ statusCode }: WireResponse): Error {
  const error = new Error('the answer to a conditional write was not to be trusted, and it is not sent again')
  return Object.assign(error, { $metadata: { httpStatusCode: statusCode } })
}
