/** A store whose answers can be lost, late or wrong on demand, around any other store. */
import { DataShardError } from '../../src/errors.ts'
import type { ObjectStore, PutOptions, PutResult } from '../../src/store/store.ts'
import { forwardedFrom } from './forwarded-store.ts'

export interface FaultyCall {
  readonly verb: 'get' | 'put' | 'head' | 'list' | 'delete'
  readonly key: string
  readonly mode: NonNullable<PutOptions['mode']>
  /** How many calls of this verb on this key came before. */
  readonly before: number
}

/**
 * `lost-before`: no answer, and no effect. `lost-after`: the effect, but no answer. `twice`: the effect, and the request is
 * repeated behind the caller's back, as a proxy does. An error: thrown, without effect. A function: runs before the call.
 */
export type Fault = 'lost-before' | 'lost-after' | 'twice' | Error | (() => void | Promise<void>)

export type FaultRule = (call: FaultyCall) => Fault | undefined

/** The same store with faults; every call is noted in `calls`. */
export function faultyStore(
  inner: ObjectStore,
  rule: FaultRule,
): ObjectStore & { readonly calls: FaultyCall[]; rule: FaultRule } {
  const calls: FaultyCall[] = []
  const faultOf = async (verb: FaultyCall['verb'], key: string, mode: FaultyCall['mode'] = 'overwrite') => {
    const call = { verb, key, mode, before: calls.filter((one) => one.verb === verb && one.key === key).length }
    calls.push(call)
    const fault = store.rule(call)
    if (fault instanceof Error) throw fault
    if (typeof fault !== 'function') return fault
    await fault()
    return undefined
  }
  const lost = () => new DataShardError('unavailable', 'the answer was lost')
  const store: ObjectStore & { calls: FaultyCall[]; rule: FaultRule } = {
    calls,
    rule,
    ...forwardedFrom(inner),
    get: async (key, options) => {
      const fault = await faultOf('get', key)
      if (fault === 'lost-before' || fault === 'lost-after') throw lost()
      return inner.get(key, options)
    },
    head: async (key, options) => {
      const fault = await faultOf('head', key)
      if (fault === 'lost-before' || fault === 'lost-after') throw lost()
      return inner.head(key, options)
    },
    put: async (key, body, options): Promise<PutResult> => {
      const fault = await faultOf('put', key, options?.mode)
      if (fault === 'lost-before') return { outcome: 'unknown', cause: lost() }
      const result = await inner.put(key, body, options)
      if (fault === 'lost-after') return { outcome: 'unknown', cause: lost() }
      if (fault === 'twice') return inner.put(key, body, options)
      return result
    },
    list: (prefix, options) => inner.list(prefix, options),
    delete: async (keys, options) => {
      for (const key of keys) await faultOf('delete', key)
      return inner.delete(keys, options)
    },
  }
  return store
}
