/**
 * Schemas as people type them: `id long not null, at timestamptz, tags list<string>, who struct<name string, age int>`.
 * As in SQL everything may be null unless it says `not null`. The same text is printed by `datashard schema --text`.
 *
 * ```text
 * schema  = column { "," column }
 * column  = name [":"] type ["not null" | "null"] ["comment" 'text']
 * type    = name | decimal(p, s) | fixed(n) | list<type [not null]> | map<type, type [not null]> | struct<column, ...>
 * name    = letters, digits and _ $ - . after the first | "any text" | `any text`
 * ```
 */
import { DataShardError } from '../errors.ts'
import { nearMisses } from '../spec/describe.ts'
import { completeSchema } from '../spec/schema-ids.ts'
import { PRIMITIVE_NAMES, parsePrimitive } from '../spec/type-json.ts'
import type { Field, Schema, Type } from '../spec/types.ts'

/** What other systems call them. */
const ALIASES: Readonly<Record<string, string>> = {
  bool: 'boolean',
  integer: 'int',
  int4: 'int',
  int32: 'int',
  bigint: 'long',
  int8: 'long',
  int64: 'long',
  real: 'float',
  float4: 'float',
  float32: 'float',
  float8: 'double',
  float64: 'double',
  text: 'string',
  varchar: 'string',
  blob: 'binary',
  bytes: 'binary',
  bytea: 'binary',
  numeric: 'decimal',
  array: 'list',
}

const PARAMETRIC: readonly string[] = ['decimal', 'fixed', 'list', 'map', 'struct']

const TOKEN = /\s*(?:([A-Za-z_][\w$.-]*)|"((?:[^"]|"")*)"|`((?:[^`]|``)*)`|'((?:[^']|'')*)'|(\d+)|([<>(),:[\]]))/y

interface Token {
  readonly kind: 'word' | 'quoted' | 'text' | 'number' | 'mark' | 'end'
  readonly text: string
  /** Where it begins, from 0. */
  readonly at: number
}

function tokenize(source: string): Token[] {
  const tokens: Token[] = []
  let at = 0
  const end = source.trimEnd().length
  while (at < end) {
    TOKEN.lastIndex = at
    const match = TOKEN.exec(source)
    if (match === null) {
      const from = at + /^\s*/.exec(source.slice(at))![0].length
      throw schemaError(source, from, `'${source[from]}' cannot be read`)
    }
    const [all, word, double, back, single, number, mark] = match
    const quoted = double?.replaceAll('""', '"') ?? back?.replaceAll('``', '`')
    const begin = at + all.length - all.trimStart().length
    if (word !== undefined) tokens.push({ kind: 'word', text: word, at: begin })
    else if (quoted !== undefined) tokens.push({ kind: 'quoted', text: quoted, at: begin })
    else if (single !== undefined) tokens.push({ kind: 'text', text: single.replaceAll("''", "'"), at: begin })
    else if (number !== undefined) tokens.push({ kind: 'number', text: number, at: begin })
    else tokens.push({ kind: 'mark', text: mark!, at: begin })
    at += all.length
  }
  tokens.push({ kind: 'end', text: 'the end', at: end })
  return tokens
}

/** @throws DataShardError `invalid-argument` with the place in the text. */
export function parseSchemaText(source: string): Schema {
  const parser = createParser(source, tokenize(source))
  const fields = parser.columns()
  parser.expectEnd()
  return completeSchema(0, fields)
}

function createParser(source: string, tokens: readonly Token[]) {
  let next = 0
  const peek = () => tokens[next]!
  const fail = (token: Token, expected: string): never => {
    const found = token.kind === 'end' ? 'the text ends' : `found '${token.text}'`
    throw schemaError(source, token.at, `expected ${expected}, ${found}`)
  }
  const isMark = (mark: string) => peek().kind === 'mark' && peek().text === mark
  const isWord = (word: string) => peek().kind === 'word' && peek().text.toLowerCase() === word
  const accept = (found: boolean) => {
    if (found) next++
    return found
  }
  const expect = (mark: string) => {
    if (!accept(isMark(mark))) fail(peek(), `'${mark}'`)
  }
  const number = (): number => {
    const token = peek()
    if (token.kind !== 'number') fail(token, 'a number')
    next++
    return Number(token.text)
  }

  const columns = (): Field[] => {
    const fields = [column()]
    while (accept(isMark(','))) fields.push(column())
    const seen = new Set<string>()
    for (const field of fields) {
      if (seen.has(field.name)) throw schemaError(source, 0, `the column '${field.name}' is there twice`)
      seen.add(field.name)
    }
    return fields
  }

  const column = (): Field => {
    const token = peek()
    if (token.kind !== 'word' && token.kind !== 'quoted') fail(token, 'the name of a column')
    next++
    accept(isMark(':'))
    const type = parseType()
    const required = nullability()
    const doc = accept(isWord('comment')) ? comment() : undefined
    return { id: 0, name: token.text, required, type, ...(doc !== undefined && { doc }) }
  }

  const comment = (): string => {
    const token = peek()
    if (token.kind !== 'text') fail(token, "a comment in single quotes, as in comment 'when it began'")
    next++
    return token.text
  }

  /** True for `not null`. */
  const nullability = (): boolean => {
    if (accept(isWord('null'))) return false
    if (!accept(isWord('not'))) return false
    if (!accept(isWord('null'))) fail(peek(), "'null' after 'not'")
    return true
  }

  const parseType = (): Type => {
    const token = peek()
    if (token.kind !== 'word') fail(token, 'a type')
    next++
    const written = token.text.toLowerCase()
    const name = ALIASES[written] ?? written
    switch (name) {
      case 'decimal': {
        expect('(')
        const precision = number()
        const scale = accept(isMark(',')) ? number() : 0
        expect(')')
        return checked(`decimal(${precision},${scale})`, token)
      }
      case 'fixed': {
        const close = accept(isMark('[')) ? ']' : (expect('('), ')')
        const length = number()
        expect(close)
        return checked(`fixed[${length}]`, token)
      }
      case 'list': {
        expect('<')
        const element = parseType()
        const elementRequired = nullability()
        expect('>')
        return { type: 'list', elementId: 0, element, elementRequired }
      }
      case 'map': {
        expect('<')
        const key = parseType()
        nullability()
        expect(',')
        const value = parseType()
        const valueRequired = nullability()
        expect('>')
        return { type: 'map', keyId: 0, key, valueId: 0, value, valueRequired }
      }
      case 'struct': {
        expect('<')
        const fields = columns()
        expect('>')
        return { type: 'struct', fields }
      }
      default:
        return primitive(name, token)
    }
  }

  const primitive = (name: string, token: Token): Type => {
    if ((PRIMITIVE_NAMES as readonly string[]).includes(name)) return checked(name, token)
    const names = [...PRIMITIVE_NAMES, ...PARAMETRIC]
    const near = nearMisses(name, names)
    const hint = near.length > 0 ? `did you mean ${near.join(' or ')}?` : `types are ${names.join(', ')}`
    throw schemaError(source, token.at, `there is no type '${token.text}'; ${hint}`)
  }

  /** A type with its parameters in range. */
  const checked = (name: string, token: Token): Type =>
    parsePrimitive(name, { path: name, fail: (message) => failAt(source, token.at, message) })!

  return {
    columns,
    expectEnd: () => {
      if (peek().kind !== 'end') fail(peek(), "',' or the end")
    },
  }
}

const SHOWN_CHARS = 40

function failAt(source: string, at: number, message: string): never {
  throw schemaError(source, at, message)
}

function schemaError(source: string, at: number, message: string): DataShardError {
  const before = source.slice(Math.max(0, at - SHOWN_CHARS), at)
  const after = source.slice(at, at + SHOWN_CHARS)
  return new DataShardError('invalid-argument', `the schema cannot be read: ${message}, here: ${before}»${after}`)
}

/** The text that {@link parseSchemaText} reads back, ids aside. */
export function schemaToText(schema: Schema, separator = ', '): string {
  return schema.fields.map(columnToText).join(separator)
}

function columnToText(field: Field): string {
  const doc = field.doc === undefined ? '' : ` comment '${field.doc.replaceAll("'", "''")}'`
  return `${nameToText(field.name)} ${typeToText(field.type)}${field.required ? ' not null' : ''}${doc}`
}

/** A name as it must be written: bare where it can be. */
function nameToText(name: string): string {
  return /^[A-Za-z_][\w$.-]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`
}

/** A type as {@link parseSchemaText} reads it. */
export function typeToText(type: Type): string {
  const item = (inner: Type, required: boolean) => `${typeToText(inner)}${required ? ' not null' : ''}`
  switch (type.type) {
    case 'decimal':
      return `decimal(${type.precision},${type.scale})`
    case 'fixed':
      return `fixed(${type.length})`
    case 'list':
      return `list<${item(type.element, type.elementRequired)}>`
    case 'map':
      return `map<${typeToText(type.key)}, ${item(type.value, type.valueRequired)}>`
    case 'struct':
      return `struct<${type.fields.map(columnToText).join(', ')}>`
    case 'unsupported':
      return type.name
    default:
      return type.type
  }
}
