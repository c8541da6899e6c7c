/** Every type of format v2 with its ordinary and its extreme values, as rows take them and as judges answer. */
import { t } from '../../src/index.ts'
import type { ColumnType, Type } from '../../src/index.ts'
import type { CanonicalRow, CanonicalValue } from '../judges/canonical.ts'

/** A value as it is appended, and as every engine has to show it. */
export type Pair = readonly [input: unknown, canonical: CanonicalValue]

export interface TypeSample {
  readonly type: ColumnType<unknown, unknown, false>
  /** Values that every engine can hold. */
  readonly plain: readonly Pair[]
  /** Values at the limits of the type: some engines have narrower types. */
  readonly extreme: readonly Pair[]
}

const same = (...values: (string | number | boolean)[]): Pair[] => values.map((value) => [value, value])
const decimals = (...values: string[]): Pair[] => values.map((decimal) => [decimal, { decimal }])
const dates = (...values: string[]): Pair[] => values.map((date) => [date, { date }])
const times = (...values: string[]): Pair[] => values.map((time) => [time, { time }])
const moments = (...values: string[]): Pair[] => values.map((timestamp) => [timestamp, { timestamp }])
const zoned = (...values: string[]): Pair[] => values.map((timestamp) => [`${timestamp}Z`, { timestamp }])
const uuids = (...values: string[]): Pair[] => values.map((uuid) => [uuid, { uuid }])
const bytes = (...values: readonly number[][]): Pair[] =>
  values.map((value) => [Uint8Array.from(value), { bytes: Buffer.from(value).toString('base64') }])
const longs = (...values: bigint[]): Pair[] =>
  values.map((value) => [value, Number.isSafeInteger(Number(value)) ? Number(value) : { long: String(value) }])
const NOT_FINITE: readonly Pair[] = [
  [Number.NaN, { float: 'NaN' }],
  [Infinity, { float: 'Infinity' }],
  [-Infinity, { float: '-Infinity' }],
]

const EARLY = ['0001-01-01T00:00:00.000000', '1582-10-10T12:00:00.000001', '1883-11-18T12:03:57.123456']
const LATE = '9999-12-31T23:59:59.999999'
const MOMENTS = ['1969-12-31T23:59:59.999999', '1970-01-01T00:00:00.000000', '2026-02-28T23:59:59.000001']

export const EVERY_TYPE = {
  boolean: { type: t.boolean, plain: same(true, false), extreme: [] },
  int: { type: t.int, plain: same(0, -1, 42), extreme: same(-2147483648, 2147483647) },
  long: {
    type: t.long,
    plain: longs(0n, -1n, 2n ** 53n + 1n),
    extreme: longs(-(2n ** 63n), 2n ** 63n - 1n, -(2n ** 53n) - 1n),
  },
  float: {
    type: t.float,
    plain: [...same(0, -0, 1.5, -0.10000000149011612), ...NOT_FINITE],
    extreme: same(1.401298464324817e-45, 3.4028234663852886e38, -3.4028234663852886e38),
  },
  double: {
    type: t.double,
    plain: [...same(0, -0, 0.1, -1e100), ...NOT_FINITE],
    extreme: same(5e-324, 1.7976931348623157e308, -1.7976931348623157e308),
  },
  decimal_9: {
    type: t.decimal(9, 2),
    plain: decimals('0.00', '-0.01', '12.50'),
    extreme: decimals('9999999.99', '-9999999.99'),
  },
  decimal_18: {
    type: t.decimal(18, 4),
    plain: decimals('0.0000', '-1.0001'),
    extreme: decimals('99999999999999.9999', '-99999999999999.9999'),
  },
  decimal_38: {
    type: t.decimal(38, 10),
    plain: decimals('0.0000000000', '-256619187876373715453971649.5506690890'),
    extreme: decimals(`${'9'.repeat(28)}.${'9'.repeat(10)}`, `-${'9'.repeat(28)}.${'9'.repeat(10)}`),
  },
  date: {
    type: t.date,
    plain: dates('1969-12-31', '1970-01-01', '2026-02-28', '1900-01-01'),
    extreme: dates('0001-01-01', '1582-10-10', '9999-12-31'),
  },
  time: { type: t.time, plain: times('12:00:00.000001', '00:00:00.000000'), extreme: times('23:59:59.999999') },
  timestamp: { type: t.timestamp, plain: moments(...MOMENTS), extreme: moments(...EARLY, LATE) },
  timestamptz: { type: t.timestamptz, plain: zoned(...MOMENTS), extreme: zoned(...EARLY, LATE) },
  string: {
    type: t.string,
    plain: same('', 'a', 'grün', '日本語', '😀👩‍👩‍👧', 'e\u0301', 'a\tb\n"c" \\', "it's"),
    extreme: same('\u0000', 'a\u0000b', '\u{10ffff}', '\ufeff'),
  },
  uuid: {
    type: t.uuid,
    plain: uuids('f79c3e09-677c-4bbd-a479-3f349cb785e7', '00000000-0000-0000-0000-000000000001'),
    extreme: uuids('00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff'),
  },
  fixed: {
    type: t.fixed(4),
    plain: bytes([1, 2, 3, 4], [0, 0, 0, 1]),
    extreme: bytes([0, 0, 0, 0], [255, 255, 255, 255]),
  },
  binary: { type: t.binary, plain: bytes([], [0], [97, 98, 255]), extreme: bytes([255, 255, 255], [0, 0]) },
} as const satisfies Readonly<Record<string, TypeSample>>

export type TypeNames = readonly (keyof typeof EVERY_TYPE)[]

/** Rows as they are appended, and as judges have to show them. */
export interface Rows {
  readonly columns: Readonly<Record<string, ColumnType>>
  readonly input: readonly Readonly<Record<string, unknown>>[]
  readonly expected: readonly CanonicalRow[]
}

/** What an engine shows that has no null in place of a list, map or struct. */
export function withoutNulls(value: CanonicalValue, type: Type): CanonicalValue {
  switch (type.type) {
    case 'list':
      return ((value ?? []) as CanonicalValue[]).map((element) => withoutNulls(element, type.element))
    case 'map': {
      const { map } = (value ?? { map: [] }) as { map: [CanonicalValue, CanonicalValue][] }
      return { map: map.map(([key, inner]) => [withoutNulls(key, type.key), withoutNulls(inner, type.value)]) }
    }
    case 'struct': {
      const fields = (value ?? {}) as Record<string, CanonicalValue>
      return Object.fromEntries(
        type.fields.map((field) => [field.name, withoutNulls(fields[field.name] ?? null, field.type)]),
      )
    }
    default:
      return value
  }
}

/** Puts columns of pairs side by side; columns that end early go on with nulls, and the last row is null everywhere. */
export function sideBySide(columns: Readonly<Record<string, { type: ColumnType; pairs: readonly Pair[] }>>): Rows {
  const entries = Object.entries(columns)
  const length = 1 + Math.max(...entries.map(([, { pairs }]) => pairs.length))
  const rows = (side: 0 | 1) =>
    Array.from({ length }, (_, row) => ({
      n: row,
      ...Object.fromEntries(entries.map(([name, { pairs }]) => [name, pairs[row]?.[side] ?? null])),
    }))
  return {
    columns: { n: t.int, ...Object.fromEntries(entries.map(([name, { type }]) => [name, t.optional(type)])) },
    input: rows(0),
    expected: rows(1) as CanonicalRow[],
  }
}

/** A column of each type, each value in a row of its own. */
export function primitives(kind: 'plain' | 'extreme', names: TypeNames): Rows {
  return sideBySide(
    Object.fromEntries(names.map((name) => [name, { type: EVERY_TYPE[name].type, pairs: EVERY_TYPE[name][kind] }])),
  )
}

/** Each type as element of a list, as value and as key of a map, and as field of a struct, with nulls at each level. */
export function nested(names: TypeNames): Rows {
  const columns: Record<string, { type: ColumnType; pairs: readonly Pair[] }> = {}
  for (const name of names) {
    const sample: TypeSample = EVERY_TYPE[name]
    columns[`list_${name}`] = { type: t.list(t.optional(sample.type)), pairs: listPairs(sample.plain) }
    columns[`map_${name}`] = { type: t.map(t.string, t.optional(sample.type)), pairs: mapPairs(sample.plain) }
    columns[`key_${name}`] = { type: t.map(sample.type, t.int), pairs: keyPairs(sample.plain) }
  }
  columns['struct'] = {
    type: t.struct(Object.fromEntries(names.map((name) => [name, t.optional(EVERY_TYPE[name].type as ColumnType)]))),
    pairs: structPairs(names),
  }
  return sideBySide(columns)
}

const NOTHING: Pair = [null, null]

function pick(pairs: readonly Pair[], side: 0 | 1): unknown[] {
  return pairs.map((pair) => pair[side])
}

function listPairs(plain: readonly Pair[]): Pair[] {
  const lists = [plain, [], [NOTHING], NOTHING, [NOTHING, plain[0]!, NOTHING]]
  return lists.map((pairs) =>
    pairs === NOTHING ? NOTHING : [pick(pairs as Pair[], 0), pick(pairs as Pair[], 1) as CanonicalValue[]],
  )
}

function mapPairs(plain: readonly Pair[]): Pair[] {
  const maps = [plain, [], [NOTHING], undefined, [NOTHING, plain[0]!]]
  return maps.map((pairs) =>
    pairs === undefined
      ? NOTHING
      : [
          new Map(pairs.map(([input], i) => [`k${i}`, input])),
          { map: pairs.map(([, canonical], i) => [`k${i}`, canonical]) },
        ],
  )
}

/** Zeros and NaNs are equal to some engines as keys, and not to others. */
function keyPairs(plain: readonly Pair[]): Pair[] {
  const keys = plain.filter(([input]) => input !== 0 && !Number.isNaN(input))
  const maps = [keys, [], undefined, keys.slice(-1)]
  return maps.map((pairs) =>
    pairs === undefined
      ? NOTHING
      : [new Map(pairs.map(([input], i) => [input, i])), { map: pairs.map(([, canonical], i) => [canonical, i]) }],
  )
}

function structPairs(names: TypeNames): Pair[] {
  const fields = (side: 0 | 1, at: number) =>
    Object.fromEntries(names.map((name) => [name, (EVERY_TYPE[name] as TypeSample).plain[at]?.[side] ?? null]))
  return [0, 1, 99].map((at): Pair => [fields(0, at), fields(1, at) as CanonicalValue])
}

/** A list of structs of maps of lists of structs, null and empty at each level in turn. */
export function deep(): Rows {
  const inner = t.struct({ x: t.optional(t.int), y: t.optional(t.list(t.optional(t.decimal(9, 2)))) })
  const middle = t.optional(t.map(t.string, t.optional(t.list(t.optional(inner)))))
  const type = t.list(t.optional(t.struct({ name: t.optional(t.string), m: middle })))
  const full: Pair = [
    { x: 1, y: ['1.00', null] },
    { x: 1, y: [{ decimal: '1.00' }, null] },
  ]
  const bare: Pair = [
    { x: null, y: null },
    { x: null, y: null },
  ]
  const none: Pair = [
    { x: 2, y: [] },
    { x: 2, y: [] },
  ]
  const lists: Pair[] = [
    [[full, none, NOTHING, bare].map(([input]) => input), [full, none, NOTHING, bare].map(([, shown]) => shown)],
    [[], []],
    NOTHING,
    [[null], [null]],
  ]
  const map: Pair = [
    new Map(lists.map(([input], i) => [`k${i}`, input])),
    { map: lists.map(([, shown], i) => [`k${i}`, shown]) },
  ]
  const maps: Pair[] = [map, [new Map(), { map: [] }], NOTHING]
  const structs: Pair[] = [
    ...maps.map(([input, shown], i): Pair => [
      { name: `s${i}`, m: input },
      { name: `s${i}`, m: shown },
    ]),
    NOTHING,
    [
      { name: null, m: null },
      { name: null, m: null },
    ],
  ]
  const column: Pair[] = [
    [structs.map(([input]) => input), structs.map(([, shown]) => shown)],
    [[], []],
    [[null], [null]],
    [structs.slice(0, 2).map(([input]) => input), structs.slice(0, 2).map(([, shown]) => shown)],
  ]
  return sideBySide({ deep: { type, pairs: column } })
}
