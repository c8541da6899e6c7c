/** Bound predicates as the text that the CLI takes for a filter: for messages, and for plans that people read. */
import { formatDecimal } from './decimal.ts'
import type { BoundPredicate } from './expressions.ts'
import { formatDate, formatTime, formatTimestamp, formatTimestampNs } from './temporal.ts'
import type { Type, Value } from './types.ts'

/** Words that a column name must be quoted to be. */
export const RESERVED_WORDS: ReadonlySet<string> = new Set([
  'and',
  'between',
  'false',
  'in',
  'infinity',
  'is',
  'like',
  'nan',
  'not',
  'null',
  'or',
  'true',
])

const SYMBOLS = { eq: '=', notEq: '!=', lt: '<', lte: '<=', gt: '>', gte: '>=' } as const
const UNARY = { isNull: 'is null', notNull: 'is not null', isNan: 'is nan', notNan: 'is not nan' } as const

/** `kind = 'push' and (n > 5 or n is null)`. Parsed and bound to the same schema it is the same predicate again. */
export function predicateText(predicate: BoundPredicate): string {
  switch (predicate.op) {
    case 'true':
    case 'false':
      return predicate.op
    case 'and':
    case 'or':
      return predicate.predicates
        .map((part) => (part.op === 'and' || part.op === 'or' ? `(${predicateText(part)})` : predicateText(part)))
        .join(` ${predicate.op} `)
    default:
      return `${columnText(predicate.term.name)} ${leafText(predicate)}`
  }
}

function leafText(leaf: Exclude<BoundPredicate, { readonly op: 'and' | 'or' | 'true' | 'false' }>): string {
  switch (leaf.op) {
    case 'isNull':
    case 'notNull':
    case 'isNan':
    case 'notNan':
      return UNARY[leaf.op]
    case 'isIn':
    case 'notIn': {
      const values = leaf.values.map((value) => valueText(leaf.term.type, value)).join(', ')
      return `${leaf.op === 'isIn' ? 'in' : 'not in'} (${values})`
    }
    case 'startsWith':
    case 'notStartsWith': {
      const pattern = `${(leaf.value as string).replace(/[%_\\]/g, '\\$&')}%`
      return `${leaf.op === 'startsWith' ? 'like' : 'not like'} ${quoted(pattern)}`
    }
    default:
      return `${SYMBOLS[leaf.op]} ${valueText(leaf.term.type, leaf.value)}`
  }
}

/** A column name as a filter must write it: bare where it can be. */
export function columnText(name: string): string {
  const isBare = name
    .split('.')
    .every((part) => /^[\p{L}_][\p{L}\p{N}_]*$/u.test(part) && !RESERVED_WORDS.has(part.toLowerCase()))
  return isBare ? name : `"${name.replaceAll('"', '""')}"`
}

const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`

function valueText(type: Type, value: Value): string {
  switch (type.type) {
    case 'decimal':
      return formatDecimal(value as bigint, type.scale)
    case 'date':
      return quoted(formatDate(value as number))
    case 'time':
      return quoted(formatTime(value as bigint))
    case 'timestamp':
    case 'timestamptz':
      return quoted(formatTimestamp(value as bigint, type.type === 'timestamptz'))
    case 'timestamp_ns':
    case 'timestamptz_ns':
      return quoted(formatTimestampNs(value as bigint, type.type === 'timestamptz_ns'))
    case 'string':
    case 'uuid':
      return quoted(value as string)
    case 'binary':
    case 'fixed':
      return `x'${Array.from(value as Uint8Array, (byte) => byte.toString(16).padStart(2, '0')).join('')}'`
    default:
      return String(value).toLowerCase()
  }
}
