/** A store as a process sees it that is killed at its n-th request: that one may still have its effect, later ones have none. */
import { DataShardError } from '../../src/errors.ts'
import type { ObjectStore } from '../../src/store/store.ts'
import { forwardedFrom } from './forwarded-store.ts'

export interface DyingStore extends ObjectStore {
  /** Requests so far; more than `lastRequest` only if the process was killed. */
  readonly requests: () => number
}

/**
 * @param lastRequest number of the request at which the process dies, 1 for the first
 * @param takesEffect whether that request still reaches the store
 */
export function dyingStore(inner: ObjectStore, lastRequest: number, takesEffect: boolean): DyingStore {
  let requests = 0
  const killed = () => new DataShardError('unavailable', 'the process is dead', { retryable: false })
  const alive = async <T>(effect: () => Promise<T>): Promise<T> => {
    requests += 1
    if (requests > lastRequest || (requests === lastRequest && !takesEffect)) throw killed()
    const result = await effect()
    if (requests >= lastRequest) throw killed()
    return result
  }
  return {
    requests: () => requests,
    ...forwardedFrom(inner),
    get: (key, options) => alive(() => inner.get(key, options)),
    head: (key, options) => alive(() => inner.head(key, options)),
    put: (key, body, options) => alive(() => inner.put(key, body, options)),
    delete: (keys, options) => alive(() => inner.delete(keys, options)),
    async *list(prefix, options) {
      await alive(async () => undefined)
      yield* inner.list(prefix, options)
    },
  }
}
