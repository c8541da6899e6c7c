/** What a store that only wraps another one hands on: everything but the requests. */
import type { ObjectStore } from '../../src/store/store.ts'

type Verb = 'get' | 'head' | 'put' | 'list' | 'delete'

export function forwardedFrom(inner: ObjectStore): Omit<ObjectStore, Verb> {
  return {
    url: inner.url,
    conditionalCreate: inner.conditionalCreate,
    keyOf: (url) => inner.keyOf(url),
    urlOf: (key) => inner.urlOf(key),
    clockOffsetMs: () => inner.clockOffsetMs(),
    observe: (listener) => inner.observe(listener),
    close: () => inner.close(),
  }
}
