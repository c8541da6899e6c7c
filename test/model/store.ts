/** An object store with conditional creates: the moment at which a request takes effect. */
import type { Value } from './objects.ts'

export type Request =
  | { readonly verb: 'get'; readonly key: string }
  | { readonly verb: 'list'; readonly prefix: string }
  | { readonly verb: 'delete'; readonly key: string }
  | {
      readonly verb: 'put'
      readonly key: string
      readonly value: Value
      /** `absent`: create only; a number: only over the object with this etag. */
      readonly onlyIf?: 'absent' | number
    }

export interface StoredObject {
  readonly value: Value
  readonly etag: number
  readonly createdMs: number
}

export interface Answer {
  readonly status: 200 | 404 | 412 | 'timeout'
  readonly object?: StoredObject | undefined
  readonly keys?: readonly string[]
}

export interface StoreObserver {
  onWritten(key: string, value: Value, replaced: StoredObject | undefined): void
  onDeleted(key: string, object: StoredObject, nowMs: number): void
}

export class ModelStore {
  readonly #objects = new Map<string, StoredObject>()
  readonly #observer: StoreObserver
  #nextEtag = 1

  constructor(observer: StoreObserver) {
    this.#observer = observer
  }

  apply(request: Request, nowMs: number): Answer {
    if (request.verb === 'list') {
      return { status: 200, keys: [...this.#objects.keys()].filter((key) => key.startsWith(request.prefix)) }
    }
    const current = this.#objects.get(request.key)
    if (request.verb === 'get') return current ? { status: 200, object: current } : { status: 404 }
    if (request.verb === 'delete') {
      if (current) this.#observer.onDeleted(request.key, current, nowMs)
      this.#objects.delete(request.key)
      return { status: 200 }
    }
    if (request.onlyIf === 'absent' ? current : request.onlyIf !== undefined && current?.etag !== request.onlyIf) {
      return { status: 412 }
    }
    this.#objects.set(request.key, { value: request.value, etag: this.#nextEtag++, createdMs: nowMs })
    this.#observer.onWritten(request.key, request.value, current)
    return { status: 200 }
  }
}
