/** Table properties as numbers. */
import { invalid } from '../errors.ts'

/**
 * A property that is an integer; `fallback` if it is not set.
 *
 * @throws `invalid-argument` naming the property, what was found, and what is allowed.
 */
export function integerProperty(
  properties: Readonly<Record<string, string>>,
  name: string,
  fallback: number,
  min: number,
  max: number = Number.MAX_SAFE_INTEGER,
): number {
  const text = properties[name]
  if (text === undefined) return fallback
  const value = Number(text)
  if (text.trim() === '' || !Number.isSafeInteger(value) || value < min || value > max) {
    const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`
    invalid(`table property '${name}' is '${text}', expected an integer ${range}`)
  }
  return value
}
