/** Literals of each type in the language of each engine. */
import type { CanonicalValue } from '../judges/canonical.ts'
import type { EngineName } from '../judges/judges.ts'
import type { EVERY_TYPE } from './every-type.ts'

export type TypeName = keyof typeof EVERY_TYPE

type Spell = (text: string) => string | undefined

const quote = (text: string): string => `'${text.replaceAll("'", "''")}'`
const backslashed: Spell = (text) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
const plain: Spell = (text) => text
const cast =
  (type: string): Spell =>
  (text) =>
    `CAST('${text}' AS ${type})`
const call =
  (name: string, ...more: string[]): Spell =>
  (text) =>
    `${name}(${[`'${text}'`, ...more].join(', ')})`
const hex = (base64: string): string => Buffer.from(base64, 'base64').toString('hex')

const DECIMALS = { decimal_9: '9, 2', decimal_18: '18, 4', decimal_38: '38, 10' } as const
const decimals = (spell: (parameters: string) => Spell): Record<keyof typeof DECIMALS, Spell> => ({
  decimal_9: spell(DECIMALS.decimal_9),
  decimal_18: spell(DECIMALS.decimal_18),
  decimal_38: spell(DECIMALS.decimal_38),
})

const SPELLING: Readonly<Record<EngineName, Readonly<Partial<Record<TypeName, Spell>>>>> = {
  spark: {
    boolean: plain,
    int: plain,
    long: (text) => `CAST('${text}' AS BIGINT)`,
    float: cast('FLOAT'),
    double: cast('DOUBLE'),
    ...decimals((parameters) => cast(`DECIMAL(${parameters})`)),
    date: (text) => `DATE'${text}'`,
    timestamp: (text) => `TIMESTAMP_NTZ'${text}'`,
    timestamptz: (text) => `TIMESTAMP'${text}Z'`,
    string: backslashed,
    uuid: quote,
    fixed: (text) => `X'${hex(text)}'`,
    binary: (text) => `X'${hex(text)}'`,
  },
  duckdb: {
    boolean: plain,
    int: plain,
    long: cast('BIGINT'),
    float: cast('FLOAT'),
    double: cast('DOUBLE'),
    ...decimals((parameters) => cast(`DECIMAL(${parameters})`)),
    date: (text) => `DATE '${text}'`,
    time: (text) => `TIME '${text}'`,
    timestamp: (text) => `TIMESTAMP '${text}'`,
    timestamptz: (text) => `TIMESTAMPTZ '${text}+00'`,
    string: quote,
    uuid: (text) => `UUID '${text}'`,
    fixed: (text) => `unhex('${hex(text)}')`,
    binary: (text) => `unhex('${hex(text)}')`,
  },
  clickhouse: {
    boolean: plain,
    int: plain,
    long: call('toInt64'),
    float: call('toFloat32'),
    double: call('toFloat64'),
    ...decimals((parameters) => cast(`Decimal(${parameters})`)),
    date: call('toDate32'),
    timestamp: (text) => `toDateTime64('${text.replace('T', ' ')}', 6)`,
    timestamptz: (text) => `toDateTime64('${text.replace('T', ' ')}', 6, 'UTC')`,
    string: backslashed,
    uuid: call('toUUID'),
    fixed: (text) => `unhex('${hex(text)}')`,
    binary: (text) => `unhex('${hex(text)}')`,
  },
  pyiceberg: {
    boolean: plain,
    int: plain,
    long: plain,
    float: (text) => (/^-?[0-9.]+$/.test(text) ? text : undefined),
    double: (text) => (/^-?[0-9.]+$/.test(text) ? text : undefined),
    ...decimals(() => quote),
    date: quote,
    time: quote,
    timestamp: quote,
    timestamptz: (text) => quote(`${text}+00:00`),
    string: (text) => (/^[^"'\\]*$/.test(text) ? quote(text) : undefined),
    uuid: quote,
  },
  // Their SQL has no literals of most types: pyiceberg, with whose library they plan, is asked for these.
  polars: { int: plain, string: quote },
  daft: { int: plain, string: (text) => (text.includes("'") ? undefined : quote(text)) },
}

/** Undefined where the engine's language has no literal of this type. */
export function literal(engine: EngineName, type: TypeName, value: CanonicalValue): string | undefined {
  return SPELLING[engine][type]?.(typeof value === 'object' && value !== null ? textOf(value) : String(value))
}

function textOf(value: object): string {
  return String(Object.values(value)[0])
}
