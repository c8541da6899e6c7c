/**
 * Rows in the encoding of the golden tables, which every judge answers in: plain JSON, except `{long}` beyond 2^53, `{decimal}`,
 * `{timestamp}` (UTC, microseconds), `{date}`, `{time}`, `{uuid}`, `{bytes}` (base64), `{float}` (`NaN`, `Infinity`, `-Infinity`) and `{map}` (entries
 * sorted by key).
 */
export type CanonicalValue =
  | null
  | boolean
  | number
  | string
  | readonly CanonicalValue[]
  | { readonly [name: string]: CanonicalValue }
export type CanonicalRow = Readonly<Record<string, CanonicalValue>>

/**
 * Rows in the order of their JSON text with sorted keys. Python writes some numbers differently (`5.0`), so rows that are to be compared,
 * those of `expected.json` too, are all put in order by this one function.
 */
export function sortRows(rows: readonly CanonicalRow[]): CanonicalRow[] {
  const keyed = rows.map((row) => [jsonText(row), row] as const)
  keyed.sort(([a], [b]) => (a < b ? -1 : Number(a > b)))
  return keyed.map(([, row]) => row)
}

function jsonText(value: CanonicalValue): string {
  if (Array.isArray(value)) return `[${value.map(jsonText).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return `{${entries.map(([name, inner]) => `${JSON.stringify(name)}:${jsonText(inner)}`).join(',')}}`
}
