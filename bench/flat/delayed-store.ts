/** A store each of whose requests takes longer, as much as is said at the time. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { ObjectStore } from '../../src/store/store.ts'
import { forwardedFrom } from '../../test/support/forwarded-store.ts'

export function delayedStore(inner: ObjectStore): ObjectStore & { delayMs: number } {
  const wait = async (): Promise<void> => {
    if (store.delayMs > 0) await sleep(store.delayMs)
  }
  const store: ObjectStore & { delayMs: number } = {
    delayMs: 0,
    ...forwardedFrom(inner),
    get: async (key, options) => (await wait(), inner.get(key, options)),
    head: async (key, options) => (await wait(), inner.head(key, options)),
    put: async (key, body, options) => (await wait(), inner.put(key, body, options)),
    delete: async (keys, options) => (await wait(), inner.delete(keys, options)),
    list: async function* (prefix, options) {
      await wait()
      yield* inner.list(prefix, options)
    },
  }
  return store
}
