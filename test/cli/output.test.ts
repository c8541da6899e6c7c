import { describe, expect, test } from 'vitest'
import { createRowWriter } from '../../src/cli/output/row-writer.ts'
import { streamSink } from '../../src/cli/output/sink.ts'
import { parseSchemaText } from '../../src/cli/schema-text.ts'
import { collector } from './memory-io.ts'

const SCHEMA = parseSchemaText(
  'l long, d double, dec decimal(5,2), b boolean, s string, bin binary, t timestamptz, tags list<string>, m map<string, long>, st struct<x int, y double>',
)

const ROW = {
  l: 9007199254740993n,
  d: Number.NaN,
  dec: '12.50',
  b: true,
  s: 'a "quoted", text',
  bin: new Uint8Array([0, 255]),
  t: 1767225600000001n,
  tags: ['x', null],
  m: new Map([['k', 5n]]),
  st: { x: 1, y: -0 },
}
const EMPTY = { ...Object.fromEntries(Object.keys(ROW).map((name) => [name, null])), s: '' }

async function print(format: 'table' | 'ndjson' | 'json' | 'csv' | 'tsv', rows: object[], options: object = {}) {
  const out = collector()
  const sink = streamSink(out.stream)
  const writer = createRowWriter(format, SCHEMA, sink, options)
  for (const row of rows) await writer.write(row as Record<string, unknown>)
  await writer.end()
  await sink.end()
  return out.text()
}

describe('rows as text', () => {
  test('ndjson loses nothing', async () => {
    const [line] = (await print('ndjson', [ROW])).split('\n')
    expect(line).toContain('"y":-0')
    expect(JSON.parse(line!)).toEqual({
      l: '9007199254740993',
      d: 'NaN',
      dec: '12.50',
      b: true,
      s: 'a "quoted", text',
      bin: 'AP8=',
      t: '2026-01-01T00:00:00.000001+00:00',
      tags: ['x', null],
      m: [['k', 5]],
      st: { x: 1, y: -0 },
    })
  })

  test('json is one array, also of no rows', async () => {
    expect(JSON.parse(await print('json', [ROW, EMPTY]))).toHaveLength(2)
    expect(await print('json', [])).toBe('[]\n')
  })

  test('csv has a header, CRLF, quotes where needed, and tells an empty text from null', async () => {
    const text = await print('csv', [ROW, EMPTY])
    expect(text.split('\r\n')).toEqual([
      'l,d,dec,b,s,bin,t,tags,m,st',
      '9007199254740993,NaN,12.50,true,"a ""quoted"", text",AP8=,2026-01-01T00:00:00.000001+00:00,"[""x"",null]","[[""k"",5]]","{""x"":1,""y"":-0}"',
      ',,,,"",,,,,',
      '',
    ])
    expect(await print('csv', [])).toBe('l,d,dec,b,s,bin,t,tags,m,st\r\n')
  })

  test('csv with another text for null', async () => {
    expect((await print('csv', [EMPTY], { nullText: '\\N' })).split('\r\n')[1]).toBe(
      '\\N,\\N,\\N,\\N,,\\N,\\N,\\N,\\N,\\N',
    )
  })

  test('timestamps as the integers that the table holds', async () => {
    expect(await print('ndjson', [ROW], { timestamps: 'micros' })).toContain('"t":1767225600000001,')
    expect(await print('tsv', [ROW], { timestamps: 'micros' })).toContain('\t1767225600000001\t')
  })

  test('rows after those that widths were measured on: cut on a terminal, else whole and uneven', async () => {
    const rows = Array.from({ length: 1500 }, (_, i) => ({
      ...EMPTY,
      l: BigInt(i),
      s: i === 1400 ? 'z'.repeat(50) : 'y',
    }))
    const piped = (await print('table', rows)).split('\n')
    expect(piped).toHaveLength(1500 + 2 + 1)
    expect(piped[1402]).toContain('z'.repeat(50))
    const terminal = (await print('table', rows, { width: 80 })).split('\n')
    expect(terminal[1402]).toContain('…')
    for (const line of terminal) expect(line.length).toBeLessThanOrEqual(80)
  })
})
