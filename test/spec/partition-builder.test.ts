import { describe, expect, test } from 'vitest'
import { DataShardError } from '../../src/errors.ts'
import { schema, t } from '../../src/spec/builder.ts'
import type { PartitionField, PartitionSpec } from '../../src/spec/partition.ts'
import {
  bucket,
  day,
  hour,
  identity,
  month,
  resolvePartitionSpec,
  resolveSortOrder,
  truncate,
  year,
} from '../../src/spec/partition-builder.ts'
import type { PartitionInput, SortInput } from '../../src/spec/partition-builder.ts'
import { transformName } from '../../src/spec/transforms.ts'

const table = schema({
  id: t.long,
  at: t.timestamptz,
  kind: t.optional(t.string),
  on: t.date,
  tags: t.list(t.string),
  place: t.struct({ city: t.string }),
  'day(at)': t.string,
  'id, 16': t.string,
  id_bucket: t.int,
  price: t.double,
}).schema

const resolve = (inputs: readonly (PartitionInput | string)[], reuse: readonly PartitionSpec[] = [], last = 999) =>
  resolvePartitionSpec(inputs, table, { specId: reuse.length, lastPartitionId: last, reuse })
/** What stands for a field that was dropped from a table of format v1. */
const voidOf = (column: string): PartitionInput => ({ column, transform: { transform: 'void' } })
const shown = (spec: PartitionSpec) =>
  spec.fields.map((f) => `${f.fieldId} ${f.name} = ${transformName(f.transform)} of ${f.sourceId}`)

test.each([identity, bucket, truncate, year, month, day, hour])('%o wants the name of a column', (transform) => {
  const build = transform as (...args: unknown[]) => PartitionInput
  for (const column of [undefined, null, 5, ['at'], { column: 'at' }]) {
    const refused = expect.objectContaining({
      code: 'invalid-argument',
      message: expect.stringMatching(new RegExp(`^${transform.name}: found .* as the column`)),
    })
    expect(() => build(column, 16)).toThrow(refused)
  }
})

describe('partition specs', () => {
  test('names and ids are those of Iceberg', () => {
    const spec = resolve([day('at'), bucket('place.city', 16), truncate('kind', 4), identity('price'), year('on')])
    expect(shown(spec)).toEqual([
      '1000 at_day = day of 2',
      '1001 place.city_bucket = bucket[16] of 12',
      '1002 kind_trunc = truncate[4] of 3',
      '1003 price = identity of 10',
      '1004 on_year = year of 4',
    ])
    expect(shown(resolve([hour('at'), month('on')]))).toEqual([
      '1000 at_hour = hour of 2',
      '1001 on_month = month of 4',
    ])
  })

  test('text says the same; a column of exactly that name comes first', () => {
    const texts = [
      'hour(at)',
      'bucket(16, kind)',
      'years(on)',
      ' Truncate( place.city , 3 ) ',
      'bucket[8](on)',
      'price',
    ]
    expect(shown(resolve(texts))).toEqual([
      '1000 at_hour = hour of 2',
      '1001 kind_bucket = bucket[16] of 3',
      '1002 on_year = year of 4',
      '1003 place.city_trunc = truncate[3] of 12',
      '1004 on_bucket = bucket[8] of 4',
      '1005 price = identity of 10',
    ])
    expect(shown(resolve(['day(at)']))).toEqual(['1000 day(at) = identity of 7'])
    expect(shown(resolve(['truncate(id, 16, 4)']))).toEqual(['1000 id, 16_trunc = truncate[4] of 8'])
  })

  test.for<[string, string]>([
    ['bucket(kind,16)', '1000 kind_bucket = bucket[16] of 3'],
    ['bucket( kind ,  128 )', '1000 kind_bucket = bucket[128] of 3'],
    ['bucket(16,kind)', '1000 kind_bucket = bucket[16] of 3'],
    ['bucket( 128 ,  kind )', '1000 kind_bucket = bucket[128] of 3'],
    ['bucket[16] ( kind )', '1000 kind_bucket = bucket[16] of 3'],
    ['DAY( at )', '1000 at_day = day of 2'],
    ['identity(kind)', '1000 kind = identity of 3'],
    ['  kind ', '1000 kind = identity of 3'],
    ['months(on)', '1000 on_month = month of 4'],
    ['void(kind)', '1000 kind_null = void of 3'],
  ])("'%s'", ([text, expected]) => {
    expect(shown(resolve([text]))).toEqual([expected])
  })

  test('a default name that a column has gets the parameter', () => {
    expect(shown(resolve([bucket('id', 4)]))).toEqual(['1000 id_bucket_4 = bucket[4] of 1'])
    const taken = schema({ a: t.string, a_trunc: t.string, a_bucket: t.string, a_bucket_4: t.string }).schema
    const context = { specId: 0, lastPartitionId: 999, reuse: [] }
    expect(resolvePartitionSpec([truncate('a', 3)], taken, context).fields[0]!.name).toBe('a_trunc_3')
    expect(() => resolvePartitionSpec([bucket('a', 4)], taken, context)).toThrow(/'a_bucket': a column has that name/)
  })

  test('so does one that another field has', () => {
    const inputs = [bucket('kind', 4), bucket('kind', 8), truncate('kind', 1), truncate('kind', 2)]
    expect(shown(resolve(inputs))).toEqual([
      '1000 kind_bucket = bucket[4] of 3',
      '1001 kind_bucket_8 = bucket[8] of 3',
      '1002 kind_trunc = truncate[1] of 3',
      '1003 kind_trunc_2 = truncate[2] of 3',
    ])
  })

  test('a void field may have the name of its column, and repeat', () => {
    const inputs = ['kind', 'x'].map((name) => ({ ...voidOf('kind'), name }))
    expect(shown(resolve([identity('price'), ...inputs]))).toEqual([
      '1000 price = identity of 10',
      '1001 kind = void of 3',
      '1002 x = void of 3',
    ])
  })

  test('no inputs: not partitioned', () => {
    expect(resolve([])).toEqual({ specId: 0, fields: [] })
  })

  test('a field that an older spec had keeps its id and name; new ones count on', () => {
    const first = resolve([{ ...day('at'), name: 'd' }, 'kind'])
    const second = resolve(['kind', bucket('id', 4)], [first], 1001)
    expect(shown(second)).toEqual(['1001 kind = identity of 3', '1002 id_bucket_4 = bucket[4] of 1'])
    expect(shown(resolve([day('at')], [first, second], 1002))).toEqual(['1000 d = day of 2'])
    expect(shown(resolve([{ ...day('at'), name: 'other' }], [first, second], 1002))).toEqual(['1003 other = day of 2'])
  })

  test('another column, transform, parameter or name is another field', () => {
    const first = resolve([bucket('kind', 4), { ...day('at'), name: 'd' }])
    const inputs = [bucket('id', 4), bucket('kind', 8), { ...day('at'), name: 'd' }, 'kind']
    expect(shown(resolve(inputs, [first], 1001))).toEqual([
      '1002 id_bucket_4 = bucket[4] of 1',
      '1003 kind_bucket = bucket[8] of 3',
      '1001 d = day of 2',
      '1004 kind = identity of 3',
    ])
  })

  test('ids count on above the specs, even if the table says less', () => {
    expect(shown(resolve(['kind'], [resolve([day('at'), year('on')])], 0))).toEqual(['1002 kind = identity of 3'])
  })

  test('an older field is taken once', () => {
    const first = resolve([{ ...voidOf('kind'), name: 'x' }])
    expect(shown(resolve([voidOf('kind'), voidOf('kind')], [first], 1000))).toEqual([
      '1000 x = void of 3',
      '1001 kind_null = void of 3',
    ])
  })

  test('a spec that the table had is that spec', () => {
    const first = resolve([day('at')])
    const second = resolve([hour('at')], [first], 1000)
    expect(resolve([day('at')], [first, second], 1001)).toBe(first)
    const both = resolve([day('at'), 'kind'], [first, second], 1001)
    expect(both.specId).toBe(2)
    expect(resolve([day('at'), 'kind'], [first, second, both], 1002)).toBe(both)
    expect(resolve(['kind', day('at')], [first, second, both], 1002)).toMatchObject({ specId: 3 })
    expect(resolve([day('at'), 'price'], [first, second, both], 1002)).toMatchObject({ specId: 3 })
  })

  // Tables that were of format v1 may have used an id for several fields.
  const p: PartitionField = { fieldId: 1000, sourceId: 1, name: 'p', transform: { transform: 'bucket', buckets: 4 } }
  test.for<[string, PartitionField, PartitionInput]>([
    ['column', { ...p, sourceId: 3 }, { ...bucket('kind', 4), name: 'p' }],
    ['name', { ...p, name: 'q' }, { ...bucket('id', 4), name: 'q' }],
    ['parameter', { ...p, transform: { transform: 'bucket', buckets: 8 } }, { ...bucket('id', 8), name: 'p' }],
    ['transform', { ...p, transform: { transform: 'identity' } }, { ...identity('id'), name: 'p' }],
  ])('specs whose fields differ in the %s are not the same', ([, field, input]) => {
    const specs = [
      { specId: 0, fields: [p] },
      { specId: 1, fields: [field] },
    ]
    expect(resolve([input], specs)).toBe(specs[1])
    expect(resolve([{ ...bucket('id', 4), name: 'p' }], specs)).toBe(specs[0])
  })

  test('nor are those whose fields differ in the id', () => {
    const atDay: PartitionField = { fieldId: 1001, sourceId: 2, name: 'at_day', transform: { transform: 'day' } }
    const specs = [
      { specId: 0, fields: [p] },
      { specId: 1, fields: [{ ...p, fieldId: 1002 }, atDay] },
    ]
    const spec = resolve([{ ...bucket('id', 4), name: 'p' }, day('at')], specs)
    expect(spec.specId).toBe(2)
    expect(shown(spec)).toEqual(['1000 p = bucket[4] of 1', '1001 at_day = day of 2'])
  })

  test.each([
    [[day('kind')], /day cannot be applied to column 'kind' of type string: it takes dates and timestamps/],
    [[hour('on')], /hour cannot be applied to column 'on' of type date/],
    [[bucket('price', 4)], /bucket\[4\] cannot be applied to column 'price' of type double/],
    [[identity('tags')], /identity cannot be applied to column 'tags' of type list<string>/],
    [[identity('tags.element')], /cannot partition by 'tags.element': it is inside a list/],
    [[day('At')], /no column 'At'; did you mean 'at'\?/],
    [['weekly(at)'], /'weekly\(at\)' is no transform; there are identity\(c\)/],
    [['bucket(kind)'], /'bucket\(kind\)' is no transform/],
    [[day('at'), hour('at')], /'at_hour' and 'at_day' split column 'at' the same way/],
    [[year('on'), month('on')], /'on_month' and 'on_year' split column 'on' the same way/],
    [[month('on'), year('on')], /'on_year' and 'on_month' split column 'on' the same way/],
    [[day('on'), year('on')], /'on_year' and 'on_day' split column 'on' the same way/],
    [[hour('at'), month('at')], /'at_month' and 'at_hour' split column 'at' the same way/],
    [[bucket('kind', 4), { ...bucket('kind', 4), name: 'b' }], /'b' and 'kind_bucket' split column 'kind' the same/],
    [['kind', 'kind'], /two partition fields are called 'kind'/],
    [['void(kind)', 'void(kind)'], /two partition fields are called 'kind_null'/],
    [[{ ...day('at'), name: 'at' }], /'at': a column has that name/],
    [[{ ...voidOf('kind'), name: 'at' }], /'at': a column has that name/],
    [['bucket(n 16, kind)'], /'bucket\(n 16, kind\)' is no transform/],
    [['bucket(kind, 0)'], /'bucket\(kind, 0\)' is no transform/],
    [[{ ...day('at'), name: 'kind' }], /'kind': a column has that name/],
    [[{ ...identity('kind'), name: 'at' }], /'at': a column has that name/],
    [[{ ...day('at'), name: '' }], /empty name/],
    [[5 as unknown as string], /found 5 \(number\) in partitionBy/],
    [[null as unknown as string], /found null in partitionBy/],
    [[{ column: 'at' } as unknown as string], /an object with keys column in partitionBy/],
    [[{ transform: { transform: 'day' } } as unknown as string], /an object with keys transform in partitionBy/],
    [[{ ...day('at'), column: 5 } as unknown as string], /an object with keys column, transform in partitionBy/],
    [[{ column: 'at', transform: 'day' } as unknown as string], /an object with keys column, transform in partitionBy/],
  ])('%j is refused', (inputs, message) => {
    expect(() => resolve(inputs)).toThrow(message)
    expect(() => resolve(inputs)).toThrow(DataShardError)
  })

  test('something that is no list is refused', () => {
    expect(() => resolve('at' as unknown as string[])).toThrow(/found partitionBy 'at' \(string\), expected a list/)
  })

  test('parameters are checked where they are written', () => {
    expect(() => bucket('id', 0)).toThrow(/bucket\('id'\): found 0 \(number\), expected an integer from 1/)
    expect(() => truncate('id', '4' as unknown as number)).toThrow(/truncate\('id'\): found '4' \(string\)/)
    expect(() => bucket('id', 2 ** 31)).toThrow(DataShardError)
    expect(() => truncate('id', 1.5)).toThrow(/found 1.5 \(number\), expected an integer from 1 to 2147483647/)
    expect(shown(resolve([bucket('kind', 1), truncate('kind', 2 ** 31 - 1)]))).toEqual([
      '1000 kind_bucket = bucket[1] of 3',
      '1001 kind_trunc = truncate[2147483647] of 3',
    ])
  })
})

const keys = (inputs: readonly SortInput[]) =>
  resolveSortOrder(inputs, table, 1).fields.map(
    (f) => `${transformName(f.transform)}(${f.sourceId}) ${f.direction} ${f.nullOrder}`,
  )

describe('sort orders', () => {
  test('columns, text and parts', () => {
    const inputs: SortInput[] = [
      'at',
      'id DESC',
      'kind desc nulls first',
      'hour(at) nulls last',
      { column: 'place.city', direction: 'desc', nullOrder: 'nulls-first' },
      bucket('id', 4),
      'day(at)',
    ]
    expect(keys(inputs)).toEqual([
      'identity(2) asc nulls-first',
      'identity(1) desc nulls-last',
      'identity(3) desc nulls-first',
      'hour(2) asc nulls-last',
      'identity(12) desc nulls-first',
      'bucket[4](1) asc nulls-first',
      'identity(7) asc nulls-first',
    ])
  })

  test('a column of exactly that name comes first', () => {
    const odd = schema({ n: t.int, 'n desc': t.int, 'n nulls last': t.int }).schema
    const order = resolveSortOrder(['n desc', 'n nulls last', 'n  DESC'], odd, 1)
    expect(order.fields.map(({ sourceId, direction }) => `${sourceId} ${direction}`)).toEqual([
      '2 asc',
      '3 asc',
      '1 desc',
    ])
  })

  test('no keys: the unsorted order, whose id is 0', () => {
    expect(resolveSortOrder([], table, 5)).toEqual({ orderId: 0, fields: [] })
    expect(resolveSortOrder(['id'], table, 5).orderId).toBe(5)
  })

  test.each([
    [['nope'], /no column 'nope'/],
    [['tags.element'], /cannot sort by 'tags.element': it is inside a list/],
    [['id', 'id desc'], /names identity of column 'id' twice/],
    [[{ column: 'id', direction: 'up' as 'asc' }], /found direction 'up' \(string\)/],
    [[{ column: 'id', nullOrder: 'first' as 'nulls-first' }], /found nullOrder 'first' \(string\)/],
    [[5 as unknown as string], /found 5 \(number\) in sortBy/],
    [[null as unknown as string], /found null in sortBy/],
    [[undefined as unknown as string], /found undefined in sortBy/],
    [[{ column: 5 } as unknown as string], /found an object with keys column in sortBy/],
    [[{ direction: 'desc' } as unknown as string], /found an object with keys direction in sortBy/],
  ])('%j is refused', (inputs, message) => {
    expect(() => keys(inputs)).toThrow(message)
    expect(() => keys('id' as unknown as string[])).toThrow(/expected a list/)
  })
})
