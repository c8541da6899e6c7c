/** Changes that are told by a function: `(schema) => schema.addColumn(...)`. */
import { invalid } from '../errors.ts'
import { describeValue } from '../spec/describe.ts'

/**
 * Calls it with what records the change. It may be called again on a newer version, so it has to be done when it returns: what an
 * async function did after its first `await` would silently be in no version.
 */
export function describeChange<R>(call: string, change: (recorder: R) => unknown, recorder: R): void {
  checkFunction(call, change)
  const returned: unknown = change(recorder)
  if (!(returned instanceof Promise)) return
  returned.catch(() => undefined)
  invalid(
    `${call}: the function returned a promise; await what it needs before the call, and only make the changes in it`,
  )
}

/** @throws `invalid-argument` for callers without types. */
export function checkFunction(call: string, value: unknown): void {
  if (typeof value !== 'function') invalid(`${call}: found ${describeValue(value)}, expected a function`)
}
