/** How a value that was found is shown in an error message: short, exact, and with its kind. */

const SHOWN_CHARS = 60

/** `'abc' (string)`, `1.5 (number)`, `7n (bigint)`, `null`, `an array of 3`, `an object with keys a, b`. */
export function describeValue(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return `'${shorten(value)}' (string)`
    case 'number':
      return `${Object.is(value, -0) ? '-0' : value} (number)`
    case 'bigint':
      return `${shorten(value.toString())}n (bigint)`
    case 'boolean':
      return `${value} (boolean)`
    case 'object':
      return describeObject(value)
    default:
      return value === undefined ? 'undefined' : `a ${typeof value}`
  }
}

function describeObject(value: object | null): string {
  if (value === null) return 'null'
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'an invalid Date' : `${value.toISOString()} (Date)`
  if (ArrayBuffer.isView(value)) return `${value.byteLength} bytes (${value.constructor.name})`
  if (Array.isArray(value)) return `an array of ${value.length}`
  if (value instanceof Map) return `a Map of ${value.size}`
  const keys = Object.keys(value)
  return keys.length === 0 ? 'an object without keys' : `an object with keys ${shorten(keys.join(', '))}`
}

function shorten(text: string): string {
  return text.length <= SHOWN_CHARS ? text : `${text.slice(0, SHOWN_CHARS)}...`
}

const CLOSE_EDITS = 2

/** Up to three of `candidates` that somebody who wrote `name` may have meant, nearest first. */
export function nearMisses(name: string, candidates: Iterable<string>): string[] {
  const wanted = name.toLowerCase()
  const scored: { candidate: string; score: number }[] = []
  for (const candidate of candidates) {
    const other = candidate.toLowerCase()
    const last = other.slice(other.lastIndexOf('.') + 1)
    const score = Math.min(editDistance(wanted, other), last === wanted ? 1 : Infinity)
    if (score <= Math.min(CLOSE_EDITS, Math.ceil(wanted.length / 3))) scored.push({ candidate, score })
  }
  return scored
    .sort((a, b) => a.score - b.score)
    .slice(0, 3)
    .map(({ candidate }) => candidate)
}

/** Levenshtein distance, given up as "too far" for long names. */
function editDistance(a: string, b: string): number {
  if (a === b) return 0
  if (Math.abs(a.length - b.length) > CLOSE_EDITS || a.length > 200) return Infinity
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a.charCodeAt(i - 1) === b.charCodeAt(j - 1)
      row.push(Math.min(previous[j]! + 1, row[j - 1]! + 1, previous[j - 1]! + (same ? 0 : 1)))
    }
    previous = row
  }
  return previous[b.length]!
}
