/**
 * Misspelled options are refused. JavaScript drops them silently: with `idempotencykey` for `idempotencyKey` an append
 * would go through, and its repetition would double the rows. Names that resemble none are let pass: one object of options is often
 * handed to several calls.
 */
import { invalid } from '../errors.ts'
import { describeValue, nearMisses } from './describe.ts'

/** Every name of an options type: one that is added to the type and not here does not compile. */
export type OptionNames<T> = Readonly<Record<keyof T, true>>

/**
 * Refuses options that are no object, or have a name that is nearly one that the call knows. Left out, they are fine; so is a known name
 * whose value is undefined. To be called before anything is written or requested.
 *
 * @param call as the message names it: `append`, `createTable`
 * @throws `invalid-argument` with what was found, the nearest name, and all names there are.
 */
export function checkOptions<T>(call: string, options: T | undefined, names: OptionNames<T>): void {
  if (options === undefined) return
  const known = Object.keys(names)
  if (!isRecord(options)) {
    invalid(`${call}: found ${found(options)} as its options, expected an object with any of ${known.join(', ')}`)
  }
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(names, name)) continue
    const [near] = nearMisses(name, known)
    if (near === undefined) continue
    invalid(`${call} has no option '${name}', did you mean '${near}'? Its options are ${known.join(', ')}`, {
      call,
      option: name,
      didYouMean: near,
      options: known,
    })
  }
}

/**
 * Refuses a flag that is neither true nor false, for callers without types: `'false'`, as the environment has it, would be true.
 *
 * @throws `invalid-argument`
 */
export function checkFlag(call: string, name: string, value: unknown): void {
  if (value === undefined || value === null || typeof value === 'boolean') return
  invalid(`${call}: ${name} is ${describeValue(value)}, expected true or false`)
}

/** A signal, a Map or a store in the place of options is an object too, but none whose properties are meant. */
function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && Object.prototype.toString.call(value) === '[object Object]'
}

function found(value: unknown): string {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return describeValue(value)
  return value.constructor?.name === undefined ? describeValue(value) : `an object of class ${value.constructor.name}`
}
