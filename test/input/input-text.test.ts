import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readCsv } from '../../src/input/csv.ts'
import { parseExactJson } from '../../src/input/exact-json.ts'
import { decodeText } from '../../src/input/lines.ts'
import { type TextRecord, readJson, readNdjson } from '../../src/input/ndjson.ts'
import { trackPositions, positionText } from '../../src/cli/input/positions.ts'

async function* chunks(text: string | Uint8Array, size = 7): AsyncGenerator<Uint8Array> {
  const bytes = typeof text === 'string' ? new TextEncoder().encode(text) : text
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function collect<T>(items: AsyncIterable<T | T[]>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(...(Array.isArray(item) ? item : [item]))
  return all
}

const ndjson = (text: string, size?: number) =>
  collect<TextRecord>(readNdjson(decodeText(chunks(text, size), 'in'), 'in'))
const json = (text: string, size?: number) => collect<TextRecord>(readJson(decodeText(chunks(text, size), 'in'), 'in'))
const csv = (text: string, size?: number) => collect<TextRecord>(readCsv(chunks(text, size), 'in', { delimiter: ',' }))

describe('ndjson', () => {
  test('lines become rows with their numbers, blank lines count but are no rows', async () => {
    expect(await ndjson('{"a":1}\n\n{"a":2}\r\n  \n{"a":"ü"}')).toEqual([
      { line: 1, row: { a: 1 } },
      { line: 3, row: { a: 2 } },
      { line: 5, row: { a: 'ü' } },
    ])
  })

  test('a broken line is named by file and line', async () => {
    await expect(ndjson('{"a":1}\n{"a":')).rejects.toThrow(/^in:2: not valid JSON/)
    await expect(ndjson('[1]')).rejects.toThrow(/^in:1: a row must be a JSON object, found an array/)
    await expect(ndjson('{"a":1}\n5')).rejects.toMatchObject({ details: { file: 'in', line: 2 } })
  })

  test('bytes that are no UTF-8 are an error, not question marks', async () => {
    const bytes = new Uint8Array([0x7b, 0x7d, 0x0a, 0xff, 0x0a])
    await expect(collect(decodeText(chunks(bytes), 'in'))).rejects.toThrow(/in is not UTF-8 text/)
  })

  test('a byte order mark is taken off', async () => {
    expect(await ndjson('\ufeff{"a":1}')).toEqual([{ line: 1, row: { a: 1 } }])
  })
})

describe('json', () => {
  test('an array, objects one after the other and indented ones give the same rows', async () => {
    const rows = [{ a: 1, s: '],}{"' }, { a: [1, { b: '\\' }] }, {}]
    const texts = [
      JSON.stringify(rows),
      JSON.stringify(rows, null, 2),
      rows.map((row) => JSON.stringify(row)).join('\n'),
      rows.map((row) => JSON.stringify(row, null, 1)).join(''),
    ]
    for (const text of texts) {
      for (const size of [1, 3, 1000]) expect((await json(text, size)).map(({ row }) => row)).toEqual(rows)
    }
  })

  test('rows carry the line where they begin', async () => {
    expect((await json('[\n {"a":1},\n\n {\n  "a":2}\n]')).map(({ line }) => line)).toEqual([2, 4])
  })

  test('arrays cut into pieces of any size come out whole', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.dictionary(fc.string(), fc.jsonValue()), { maxLength: 8 }),
        fc.integer({ min: 1, max: 40 }),
        async (rows, size) => {
          const text = JSON.stringify(rows, null, size % 3)
          const expected = (parseExactJson(text) as unknown[]).map((row) => JSON.stringify(row))
          expect((await json(text, size)).map(({ row }) => JSON.stringify(row))).toEqual(expected)
        },
      ),
      { numRuns: 100 },
    )
  })

  test('an array without an end, or with something after it, is refused', async () => {
    await expect(json('[{"a":1}')).rejects.toThrow(/the JSON array has no end/)
    await expect(json('[{"a":1}] x')).rejects.toThrow(/something follows the end/)
  })
})

describe('csv', () => {
  test('bytes that are no UTF-8 are an error, also in quotes and at the end', async () => {
    for (const tail of ['"\n', '', '\n3,c\n']) {
      const bytes = Buffer.concat([Buffer.from('id,s\n1,ü\n2,"a'), Buffer.from([0xe9]), Buffer.from(`b${tail}`)])
      const read = collect(readCsv(chunks(new Uint8Array(bytes)), 'in', { delimiter: ',' }))
      await expect(read).rejects.toMatchObject({
        code: 'invalid-argument',
        message: /in is not UTF-8 text, near line 3/,
      })
    }
  })

  test('quotes, line breaks in fields, a byte order mark and CRLF are read as RFC 4180 says', async () => {
    expect(await csv('\ufeffa,b\r\n1,"x, ""y""\nz"\r\n2,\r\n')).toEqual([
      { line: 2, row: { a: '1', b: 'x, "y"\nz' } },
      { line: 4, row: { a: '2', b: '' } },
    ])
  })

  test('blank lines are skipped and counted', async () => {
    expect((await csv('a,b\n1,2\n\n3,4\n')).map(({ line }) => line)).toEqual([2, 4])
  })

  test.each([
    ['a,b\n1\n', /^in:2: found 1 fields, the header has 2/],
    ['a,b\n1,2,3\n', /^in:2: found 3 fields, the header has 2/],
    ['a,a\n', /^in:1: the header names the column 'a' twice/],
    ['a,\n', /^in:1: column 2 of the header has no name/],
    ['a\n"x', /^in:/],
  ])('%j is refused with its line', async (text, message) => {
    await expect(csv(text)).rejects.toThrow(message)
  })
})

describe('positions', () => {
  test('rows are found again over gaps, several files and formats without lines', () => {
    const positions = trackPositions()
    for (const line of [1, 2, 4, 5]) positions.add('a.csv', line)
    positions.addRows('b.parquet', 10)
    positions.add('c.ndjson', 1)
    const texts = [0, 1, 2, 3, 4, 13, 14].map((row) => positionText(positions.of(row)!))
    expect(texts).toEqual([
      'a.csv:1',
      'a.csv:2',
      'a.csv:4',
      'a.csv:5',
      'b.parquet, row 1',
      'b.parquet, row 10',
      'c.ndjson:1',
    ])
    expect(positions.of(15)).toBeUndefined()
  })
})
