/** Requests in flight: delayed, lost before or after their effect, repeated, and never later than the store takes them. */
import type { Model } from './process.ts'
import { LATENESS_TICKS } from './process.ts'
import type { Answer, ModelStore, Request } from './store.ts'

interface Flight {
  readonly request: Request
  readonly sentTick: number
  /** Undefined: nobody waits for the answer any more. */
  readonly deliver: ((answer: Answer) => void) | undefined
}

const DELAYED = 0.2
const TIMED_OUT = 0.03
const LOST = 0.02
const ANSWER_LOST = 0.04
const REPEATED = 0.06
/** One event a tick for so many requests in flight. */
const AT_ONCE = 5

export class Network {
  /** In the order in which they were sent. */
  readonly #flights: Flight[] = []
  readonly #store: ModelStore
  readonly #model: Model
  readonly #trace: ((line: string) => void) | undefined

  constructor(store: ModelStore, model: Model, trace: ((line: string) => void) | undefined) {
    this.#store = store
    this.#model = model
    this.#trace = trace
  }

  send(request: Request, tick: number, deliver: (answer: Answer) => void): void {
    this.#flights.push({ request, sentTick: tick, deliver })
  }

  /** So many things happen that a request takes about as long with many processes as with few. */
  step(tick: number, faulty: boolean): void {
    while (this.#flights.length > 0 && tick - this.#flights[0]!.sentTick > LATENESS_TICKS) {
      this.#flights.shift()!.deliver?.({ status: 'timeout' })
    }
    const events = Math.ceil(this.#flights.length / AT_ONCE)
    for (let event = 0; event < events && this.#flights.length > 0; event++) this.#happen(faulty)
  }

  /** One thing happens to one request. */
  #happen(faulty: boolean): void {
    const { runtime } = this.#model
    const at = Math.floor(runtime.random() * this.#flights.length)
    const flight = this.#flights[at]!
    const fate = faulty ? runtime.random() : 1
    if (fate < DELAYED) return
    if (fate < DELAYED + TIMED_OUT && flight.deliver) {
      // The caller gives up; the request may still arrive.
      this.#flights[at] = { ...flight, deliver: undefined }
      return flight.deliver({ status: 'timeout' })
    }
    this.#flights.splice(at, 1)
    if (fate < DELAYED + TIMED_OUT + LOST) return flight.deliver?.({ status: 'timeout' })
    this.#arrive(flight, faulty)
  }

  #arrive(flight: Flight, faulty: boolean): void {
    const { runtime } = this.#model
    const answer = this.#store.apply(flight.request, runtime.now())
    this.#trace?.(`  ${describe(flight.request)} -> ${answer.status}${flight.deliver ? '' : ' (nobody waits)'}`)
    const isWrite = flight.request.verb === 'put' || flight.request.verb === 'delete'
    if (faulty && isWrite && runtime.random() < REPEATED) {
      const late: Flight = { ...flight, deliver: undefined }
      const next = this.#flights.findIndex(({ sentTick }) => sentTick > late.sentTick)
      this.#flights.splice(next < 0 ? this.#flights.length : next, 0, late)
    }
    flight.deliver?.(faulty && runtime.random() < ANSWER_LOST ? { status: 'timeout' } : answer)
  }
}

function describe(request: Request): string {
  if (request.verb === 'list') return `list ${request.prefix}`
  if (request.verb !== 'put') return `${request.verb} ${request.key}`
  const { value } = request
  if (typeof value === 'number') return `put ${request.key} ${value}`
  if ('id' in value) return `put ${request.key} by ${value.id}@${value.base}`
  const { folds, cancels, change } = value.deed
  return `put ${request.key} ${value.nonce} folds [${folds.join(' ')}] cancels [${cancels.join(' ')}] ${change ?? ''}`
}
