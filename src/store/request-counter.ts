/** Counts the requests under a prefix by verb: what an append costs is told in its result. */
import type { ObjectStore, RequestEvent } from './store.ts'

export interface RequestCounts {
  readonly get: number
  readonly put: number
  readonly head: number
  readonly list: number
  readonly delete: number
}

const NAMES = { GET: 'get', PUT: 'put', HEAD: 'head', LIST: 'list', DELETE: 'delete' } as const

export class RequestCounter {
  readonly #counts = { get: 0, put: 0, head: 0, list: 0, delete: 0 }
  readonly #stop: () => void

  constructor(store: ObjectStore, prefix: string) {
    this.#stop = store.observe((event: RequestEvent) => {
      if (event.key.startsWith(prefix)) this.#counts[NAMES[event.verb]] += 1
    })
  }

  /** So far; what the store repeated by itself is counted each time. */
  counts(): RequestCounts {
    return { ...this.#counts }
  }

  close(): void {
    this.#stop()
  }
}

/** What was sent between two counts. */
export function requestsSince(before: RequestCounts, now: RequestCounts): RequestCounts {
  return {
    get: now.get - before.get,
    put: now.put - before.put,
    head: now.head - before.head,
    list: now.list - before.list,
    delete: now.delete - before.delete,
  }
}
