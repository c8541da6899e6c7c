import { formatTimestamp } from '../../src/spec/temporal.ts'
import type { Field, Type } from '../../src/spec/types.ts'
import type { CanonicalRow, CanonicalValue } from '../judges/canonical.ts'

/** A row that was read with `timestamps: 'micros'`, in the encoding of the golden tables. */
export function canonicalRow(row: Record<string, unknown>, fields: readonly Field[]): CanonicalRow {
  const byName = new Map(fields.map((field) => [field.name, field.type]))
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, canonical(value, byName.get(name)!)]))
}

function canonical(value: unknown, type: Type): CanonicalValue {
  if (value === null) return null
  switch (type.type) {
    case 'long':
      return Number.isSafeInteger(Number(value)) ? Number(value) : { long: String(value) }
    case 'float':
    case 'double':
      return Number.isFinite(value) ? (value as number) : { float: String(value) }
    case 'decimal':
      return { decimal: value as string }
    case 'date':
      return { date: value as string }
    case 'time':
      return { time: value as string }
    case 'uuid':
      return { uuid: value as string }
    case 'timestamp':
    case 'timestamptz': {
      const text = formatTimestamp(value as bigint, false)
      return { timestamp: text.includes('.') ? text : `${text}.000000` }
    }
    case 'binary':
    case 'fixed':
      return { bytes: Buffer.from(value as Uint8Array).toString('base64') }
    case 'struct':
      return canonicalRow(value as Record<string, unknown>, type.fields)
    case 'list':
      return (value as unknown[]).map((item) => canonical(item, type.element))
    case 'map': {
      const entries = Array.from(value as Map<unknown, unknown>, ([key, item]): [CanonicalValue, CanonicalValue] => [
        canonical(key, type.key),
        canonical(item, type.value),
      ])
      return { map: entries.sort(([a], [b]) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)) }
    }
    default:
      return value as CanonicalValue
  }
}
