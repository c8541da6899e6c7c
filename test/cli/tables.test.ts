import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RunSettings, datashard } from './memory-io.ts'

let directory: string

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'cli-'))
})
afterAll(() => rm(directory, { recursive: true }))

const at = (name: string) => join(directory, name)

/** Runs a command that must succeed and say nothing on stderr but notes. */
async function ok(args: readonly string[], settings: RunSettings = {}): Promise<string> {
  const { code, stdout, stderr } = await datashard(args, settings)
  expect({ code, stderr: stderr.replace(/^(?!error).*\n/gm, '') }).toEqual({ code: 0, stderr: '' })
  return stdout
}

const schemaOf = (table: string) => ok(['schema', at(table), '--text'])
const lines = (text: string) => text.split('\n').filter((line) => line !== '')
const objects = (text: string) => lines(text).map((line) => JSON.parse(line) as Record<string, unknown>)

const EVERY_TYPE = `b boolean, i int, l long, f float, d double, dec decimal(38,10), day date, tod time, ts timestamp,
  tz timestamptz, s string, u uuid, bin binary, fx fixed(3), tags list<string>, nested struct<x long, y list<double>>,
  m map<string, long>, mi map<int, struct<z string>>, required string not null`

const ROWS = [
  {
    b: true,
    i: -2147483648,
    l: '9223372036854775807',
    f: 1.5,
    d: 'NaN',
    dec: '-2566191876373715453971649655.0669089000',
    day: '1899-12-31',
    tod: '23:59:59.000001',
    ts: '2026-01-31T12:00:00.000001',
    tz: '1969-12-31T23:59:59.999999+00:00',
    s: 'quotes " , and\nlines, 日本 👍',
    u: '0a1b2c3d-0000-4000-8000-ffffffffffff',
    bin: 'AP8=',
    fx: 'AAEC',
    tags: ['a', null, ''],
    nested: { x: 9007199254740991, y: [0.1, 'Infinity', null] },
    m: [['k', '-9223372036854775808']],
    mi: [[1, { z: null }]],
    required: '',
  },
  {
    ...Object.fromEntries('b i l f d dec day tod ts tz s u bin fx tags nested m mi'.split(' ').map((n) => [n, null])),
    required: 'only',
  },
  { s: '', required: '\\', d: -0, tags: [], m: [], nested: { x: null, y: [] } },
]

describe('formats', () => {
  beforeAll(async () => {
    await ok(['create', at('types'), '--schema', EVERY_TYPE])
    await writeFile(
      at('rows.ndjson'),
      ROWS.map((row) => `${JSON.stringify(row).replace('"d":0', '"d":-0')}\n`).join(''),
    )
    await ok(['append', at('types'), at('rows.ndjson')])
  })

  test('what was appended is what is scanned, digit by digit', async () => {
    const scanned = objects(await ok(['scan', at('types'), '--json']))
    const full = ROWS.map((row) => ({ ...ROWS[1], ...row }))
    expect(scanned).toEqual(full.map((row) => ({ ...row, ...(row.d === 0 && { d: -0 }) })))
  })

  test.each([
    ['ndjson', []],
    ['json', []],
    ['csv', ['--null', '\\N']],
    ['tsv', ['--null', '\\N']],
    ['parquet', []],
    ['arrow', []],
  ] as const)('%s: a table written to a file and read into another one is the same', async (format, options) => {
    const file = at(`copy.${format}`)
    await ok(['scan', at('types'), '--output', file, ...options])
    const copy = at(`copy-${format}`)
    await ok(['append', copy, file, '--create', '--schema', EVERY_TYPE, ...options])
    expect(await ok(['scan', copy, '--json'])).toBe(await ok(['scan', at('types'), '--json']))
  })

  test('the same through a pipe, the format told by the content', async () => {
    for (const format of ['ndjson', 'json', 'parquet', 'arrow']) {
      const { bytes } = await datashard(['scan', at('types'), '--format', format])
      const copy = at(`piped-${format}`)
      await ok(['append', copy, '--create', '--schema', EVERY_TYPE], { stdin: bytes })
      expect(await ok(['scan', copy, '--json'])).toBe(await ok(['scan', at('types'), '--json']))
    }
  })

  test('gzip is unpacked wherever it is found', async () => {
    await writeFile(at('packed.ndjson.gz'), gzipSync(await readFile(at('rows.ndjson'))))
    await ok(['append', at('packed'), at('packed.ndjson.gz'), '--create', '--schema', EVERY_TYPE])
    expect(await ok(['scan', at('packed'), '--count'])).toBe('3\n')
  })

  test('timestamps as microseconds are read back with --timestamps micros', async () => {
    const text = await ok(['scan', at('types'), '--json', '--timestamps', 'micros'])
    expect(objects(text)[0]).toMatchObject({ ts: 1769860800000001, tz: -1 })
    await ok(['append', at('micros'), '--create', '--schema', EVERY_TYPE, '--timestamps', 'micros'], { stdin: text })
    expect(await ok(['scan', at('micros'), '--json'])).toBe(await ok(['scan', at('types'), '--json']))
  })

  test('a schema inferred from Parquet or Arrow is that of the file', async () => {
    for (const format of ['parquet', 'arrow']) {
      const file = at(`infer.${format}`)
      await ok(['scan', at('types'), '--output', file])
      await ok(['append', at(`inferred-${format}`), file, '--create', '--infer'])
      const expected = (await schemaOf('types')).replace(' not null', '')
      expect(await schemaOf(`inferred-${format}`)).toBe(expected)
    }
  })
})

describe('appending', () => {
  test('several files of several formats are one commit', async () => {
    await writeFile(at('one.csv'), 'id,name\n1,a\n2,\n')
    await writeFile(at('two.json'), '[{"id":3,"name":"c"},\n {"id":4}]')
    await ok(['append', at('mixed'), at('one.csv'), at('two.json'), '--create', '--schema', 'id long, name string'])
    const log = objects(await ok(['log', at('mixed'), '--json']))
    expect(log).toHaveLength(1)
    expect(log[0]).toMatchObject({ addedRows: 4, operation: 'append', totalRows: 4 })
  })

  test('--json says what was committed', async () => {
    const out = await ok(['append', at('mixed'), '--format', 'csv', '--json'], { stdin: 'id\n5\n' })
    expect(JSON.parse(out)).toMatchObject({
      rows: 1,
      commits: 1,
      version: 3,
      snapshotId: expect.stringMatching(/^\d+$/),
    })
  })

  test('--mixed-as-text keeps what shares no type as JSON text', async () => {
    const stdin = '{"x":"a"}\n{"x":{"big":12345678901234567890,"l":[1.50,null,"é"]}}\n{"x":7}\n{"x":null}\n'
    const refused = await datashard(['append', at('text'), '--create', '--infer'], { stdin })
    expect(refused).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/no type fits column 'x'.*--mixed-as-text/),
    })
    await ok(['append', at('text'), '--create', '--infer', '--mixed-as-text'], { stdin })
    expect(objects(await ok(['scan', at('text'), '--json']))).toEqual([
      { x: 'a' },
      { x: '{"big":12345678901234567890,"l":[1.5,null,"é"]}' },
      { x: '7' },
      { x: null },
    ])
  })

  test('no rows are no commit', async () => {
    expect(await ok(['append', at('mixed'), '--format', 'csv'], { stdin: 'id\n' })).toMatch(
      /^no rows; .* stays at version 3\n$/,
    )
    expect(await ok(['append', at('mixed'), '--format', 'ndjson'])).toMatch(/^no rows/)
  })

  test.each([
    ['bad.ndjson', '{"id":1}\n\n{"id":"x"}\n', /bad.ndjson:3: column 'id': found 'x' \(string\), expected long/],
    ['bad.csv', 'id,name\n1,a\n"2\n",b\n3.5,c\n', /bad.csv:5: column 'id': found '3.5', expected long/],
    ['cut.ndjson', '{"id":1}\n{"id":', /cut.ndjson:2: not valid JSON/],
    ['extra.csv', 'id,nmae\n1,a\n', /extra.csv:1: the header has the column 'nmae', .* did you mean 'name'/],
    ['extra.ndjson', '{"id":1,"nmae":"a"}\n', /extra.ndjson:1: .*'nmae'/],
    ['ragged.csv', 'id,name\n1\n', /ragged.csv:2: found 1 fields, the header has 2/],
  ])('%s: the file and the line are named, and nothing is appended', async (name, text, message) => {
    await writeFile(at(name), text)
    const before = await ok(['scan', at('mixed'), '--count'])
    const { code, stderr, stdout } = await datashard(['append', at('mixed'), at('one.csv'), at(name)])
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(message)
    expect(await ok(['scan', at('mixed'), '--count'])).toBe(before)
  })

  test('with --json the file and the line are fields of the error', async () => {
    const { stderr } = await datashard(['append', at('mixed'), at('bad.ndjson'), '--json'])
    expect(JSON.parse(stderr)).toMatchObject({
      error: { code: 'invalid-argument', exitCode: 1, details: { file: at('bad.ndjson'), line: 3, column: 'id' } },
    })
  })

  test('other delimiters', async () => {
    const semicolons = { stdin: 'id;name\n7;x\n' }
    expect(await ok(['append', at('mixed'), '--format', 'csv', '--delimiter', ';'], semicolons)).toMatch(/^1 row /)
    expect(
      await ok(['append', at('mixed'), '--format', 'csv', '--delimiter', '\\t'], { stdin: 'id\tname\n8\ty\n' }),
    ).toMatch(/^1/)
    expect(await ok(['append', at('mixed'), '--delimiter', ';'], semicolons)).toMatch(/^1 row /)
    const bad = await datashard(['append', at('mixed'), '--format', 'csv', '--delimiter', 'ab'], semicolons)
    expect(bad.code).toBe(2)
  })

  test('--unknown-columns ignore drops them', async () => {
    const files = [at('extra.csv'), at('extra.ndjson')]
    expect(await ok(['append', at('mixed'), ...files, '--unknown-columns', 'ignore'])).toMatch(/^2 rows/)
  })

  test('--batch-rows commits as it goes, and says what is committed when a later row is bad', async () => {
    await ok(['create', at('batches'), '--schema', 'id long not null'])
    const good = Array.from({ length: 7 }, (_, id) => `${JSON.stringify({ id })}\n`).join('')
    const out = await ok(['append', at('batches'), '--batch-rows', '3', '--json'], { stdin: good })
    expect(JSON.parse(out)).toMatchObject({ rows: 7, commits: 3 })
    const { code, stderr } = await datashard(['append', at('batches'), '--batch-rows', '3'], {
      stdin: `${good}{"id":null}\n`,
    })
    expect(code).toBe(1)
    expect(stderr).toMatch(/^error: stdin:8: column 'id': found null/)
    expect(stderr).toMatch(/6 rows were appended before, in 2 commits; the last is version 6/)
    expect(await ok(['scan', at('batches'), '--count'])).toBe('13\n')
  })

  test('a table that is not there is not found, unless it may be created', async () => {
    const { code, stderr } = await datashard(['append', at('nowhere'), at('one.csv')])
    expect(code).toBe(1)
    expect(stderr).toMatch(/there is no table at .*nowhere.*--create --infer/)
    await ok([
      'append',
      at('nowhere'),
      at('one.csv'),
      '--create',
      '--infer',
      '--partition',
      'truncate(name, 1)',
      '--property',
      'owner=me',
    ])
    expect(await ok(['schema', at('nowhere')])).toMatch(/partitioned by truncate\(name, 1\)/)
  })

  test('files that are not there, directories and unknown formats are named before anything is read', async () => {
    for (const [file, code, message] of [
      [at('none.csv'), 1, /there is no file '.*none.csv'/],
      [directory, 2, /is a directory; name the files/],
    ] as const) {
      const result = await datashard(['append', at('mixed'), file])
      expect(result.code).toBe(code)
      expect(result.stderr).toMatch(message)
    }
    const result = await datashard(['append', at('mixed')], { stdin: 'id\n1\n' })
    expect(result.code).toBe(2)
    expect(result.stderr).toMatch(/cannot tell the format of stdin; say --format ndjson\|/)
  })

  test('a terminal as stdin is not waited for', async () => {
    const { code, stderr } = await datashard(['append', at('mixed')], { terminal: 80 })
    expect(code).toBe(2)
    expect(stderr).toMatch(/stdin is a terminal/)
  })

  test('--as-files adds Parquet files as they are', async () => {
    const file = at('ready.parquet')
    await ok(['scan', at('batches'), '--output', file])
    await ok(['append', at('batches'), '--as-files', file])
    expect(await ok(['scan', at('batches'), '--count'])).toBe('26\n')
  })

  test('--trace prints each request', async () => {
    const { stderr } = await datashard(['append', at('batches'), '--trace'], { stdin: '{"id":1}' })
    expect(stderr).toMatch(/^PUT {4}200 .* data\/.*\.parquet$/m)
    expect(stderr).toMatch(/^\d+ requests, \d+ bytes$/m)
    const json = await datashard(['log', at('batches'), '--trace', '--json'])
    expect(objects(json.stderr)[0]).toMatchObject({ request: { verb: 'GET', status: 200 } })
  })

  test('progress is for terminals', async () => {
    const piped = await datashard(['append', at('batches')], { stdin: '{"id":1}' })
    expect(piped.stderr).toBe('')
  })
})

describe('scanning', () => {
  beforeAll(async () => {
    await ok([
      'create',
      at('s'),
      '--schema',
      'id long not null, name string, "dotted.name" int, st struct<a int, b string>',
    ])
    for (const [from, writer] of [
      [0, 'ann'],
      [10, 'bob'],
    ] as const) {
      const rows = Array.from({ length: 10 }, (_, i) => ({
        id: from + i,
        name: `n${i}`,
        'dotted.name': i,
        st: { a: i, b: 'x' },
      }))
      await ok(['append', at('s'), '--writer', writer], { stdin: JSON.stringify(rows) })
    }
  })

  test('the default is a table for people', async () => {
    const out = await ok(['scan', at('s'), '--where', 'id < 2', '--select', 'id,name'])
    expect(out).toBe('id  name\n──  ────\n 0  n0\n 1  n1\n')
  })

  test('a terminal is never overrun; what does not fit is said', async () => {
    const { stdout, stderr } = await datashard(['scan', at('s')], { terminal: 20 })
    for (const line of lines(stdout)) expect(line.length).toBeLessThanOrEqual(20)
    expect(stderr).toMatch(/\d more columns do not fit/)
    expect(stderr).toMatch(/20 rows/)
  })

  test('select, where and limit', async () => {
    const out = await ok(['scan', at('s'), '--select', 'id, st.b', '--where', "id >= 15 and name <> 'n6'", '--json'])
    expect(objects(out)).toEqual([15, 17, 18, 19].map((id) => ({ id, st: { b: 'x' } })))
    expect(lines(await ok(['scan', at('s'), '--limit', '3', '--json']))).toHaveLength(3)
  })

  test('--count, also with a condition', async () => {
    expect(await ok(['scan', at('s'), '--count'])).toBe('20\n')
    expect(JSON.parse(await ok(['scan', at('s'), '--count', '--json', '--where', 'id < 5']))).toEqual({ count: 5 })
  })

  test('earlier states: by snapshot, by time, by what came after', async () => {
    const [second, first] = objects(await ok(['log', at('s'), '--json'])) as { snapshotId: string; time: string }[]
    expect(await ok(['scan', at('s'), '--snapshot', first!.snapshotId, '--count'])).toBe('10\n')
    expect(await ok(['scan', at('s'), '--as-of', first!.time, '--count'])).toBe('10\n')
    expect(await ok(['scan', at('s'), '--ref', 'main', '--count'])).toBe('20\n')
    expect(lines(await ok(['scan', at('s'), '--since', first!.snapshotId, '--json']))).toHaveLength(10)
    expect(lines(await ok(['files', at('s'), '--snapshot', first!.snapshotId, '--json']))).toHaveLength(1)
    expect(lines(await ok(['scan', at('s'), '--since', second!.snapshotId, '--json']))).toEqual([])
  })

  test.each([
    [['--select', 'nmae'], 2, /has no column 'nmae'; did you mean 'name'/],
    [['--where', "nmae = 'x'"], 2, /has no column 'nmae'; did you mean 'name'/],
    [['--where', 'id >'], 2, /./],
    [['--where', "id = 'x'"], 2, /'x'/],
    [['--snapshot', '1'], 1, /has no snapshot 1/],
    [['--ref', 'nope'], 1, /no tag or branch named 'nope'/],
    [['--as-of', '1999-01-01'], 1, /had no snapshot at 1999/],
  ])('%j: exit code %d, and what there is instead', async (args, code, message) => {
    const result = await datashard(['scan', at('s'), ...args])
    expect({ code: result.code, stdout: result.stdout }).toEqual({ code, stdout: '' })
    expect(result.stderr).toMatch(message)
    expect(result.stderr).not.toMatch(/\n\s+at /)
  })

  test('an output file appears whole or not at all', async () => {
    await ok(['scan', at('s'), '--output', at('out.csv')])
    expect(lines(await readFile(at('out.csv'), 'utf8'))).toHaveLength(21)
    const { code } = await datashard(['scan', at('s'), '--select', 'nope', '--output', at('out.csv')])
    expect(code).toBe(2)
    expect(lines(await readFile(at('out.csv'), 'utf8'))).toHaveLength(21)
    expect((await readdir(directory)).filter((name) => name.includes('.partial'))).toEqual([])
  })

  test('an interrupted scan leaves no file', async () => {
    const signal = AbortSignal.abort(new Error('interrupted'))
    const { code, stderr } = await datashard(['scan', at('s'), '--output', at('never.csv')], { signal })
    expect(code).toBe(3)
    expect(stderr).toMatch(/^error: /)
    expect((await readdir(directory)).filter((name) => name.startsWith('never'))).toEqual([])
  })

  test('binary formats are kept off a terminal', async () => {
    const { code, stderr } = await datashard(['scan', at('s'), '--format', 'parquet'], { terminal: 80 })
    expect(code).toBe(2)
    expect(stderr).toMatch(/parquet is not for a terminal/)
  })

  test('an empty table has a header and no rows', async () => {
    await ok(['create', at('empty'), '--schema', 'id long'])
    expect(await ok(['scan', at('empty')])).toBe('id\n──\n')
    expect(await ok(['scan', at('empty'), '--json'])).toBe('')
    expect(await ok(['scan', at('empty'), '--count'])).toBe('0\n')
    expect(await ok(['log', at('empty')])).toMatch(/has no snapshot yet/)
    expect(await ok(['files', at('empty')])).toBe('')
  })
})

describe('looking at a table', () => {
  test('log shows who committed what, newest first', async () => {
    const out = await ok(['log', at('s')])
    expect(lines(out)[0]).toMatch(/snapshot.*time \(UTC\).*operation.*\+rows.*\+files.*rows.*who/)
    expect(lines(out)[2]).toMatch(/append +10 +1 +20 +bob$/)
    expect(lines(out)[3]).toMatch(/append +10 +1 +10 +ann$/)
    expect(lines(await ok(['log', at('s'), '--limit', '1', '--json']))).toHaveLength(1)
  })

  test('schema as a table, as text for create, as Iceberg JSON for create', async () => {
    expect(await ok(['schema', at('s')])).toMatchSnapshot()
    const text = await ok(['schema', at('s'), '--text'])
    await writeFile(at('s.txt'), text)
    await writeFile(at('s.json'), await ok(['schema', at('s'), '--json']))
    for (const file of ['s.txt', 's.json']) {
      expect(await ok(['create', at(`like-${file}`), '--schema', at(file)])).toContain('id long not null')
      expect(await ok(['schema', at(`like-${file}`), '--text'])).toBe(text)
    }
    expect((await datashard(['schema', at('s'), '--id', '7'])).stderr).toMatch(/has no schema 7; its schemas are 0/)
  })

  test('create: an existing table, --if-not-exists, --dry-run, a schema file that is not there', async () => {
    const again = await datashard(['create', at('s'), '--schema', 'id long'])
    expect(again.code).toBe(1)
    expect(again.stderr).toMatch(/a table exists at/)
    await ok(['create', at('s'), '--schema', 'id long', '--if-not-exists'])
    expect(await ok(['create', at('dry'), '--infer', at('one.csv'), '--dry-run'])).toBe('id long,\nname string\n')
    expect(await readdir(directory)).not.toContain('dry')
    expect((await datashard(['create', at('x'), '--schema', at('none.json')])).code).toBe(1)
    const bad = await datashard(['create', at('x'), '--schema', 'id long', '--partition', 'day(id)'])
    expect(bad.code).toBe(2)
  })

  test('files shows rows, sizes and partitions', async () => {
    await ok(['create', at('p'), '--schema', 'id long, g string', '--partition', 'g'])
    await ok(['append', at('p')], { stdin: '{"id":1,"g":"a"}\n{"id":2,"g":"b c"}\n' })
    const { stdout, stderr } = await datashard(['files', at('p')])
    expect(lines(stdout)[0]).toMatch(/rows +size +partition +file/)
    expect(stdout).toMatch(/g=b\+c|g=b%20c/)
    expect(stderr).toMatch(/^2 files, 2 rows/)
    expect(objects(await ok(['files', at('p'), '--json']))[0]).toMatchObject({ rows: 1, format: 'parquet', specId: 0 })
  })

  test('one metadata file of a table is a table to look at', async () => {
    const file = at('s/metadata/v2.metadata.json')
    expect(await ok(['scan', file, '--count'])).toBe('10\n')
    const { code, stderr } = await datashard(['append', file], { stdin: '{"id":1}' })
    expect(code).toBe(1)
    expect(stderr).toMatch(/cannot be written to/)
  })
})

describe('deleting rows', () => {
  test('those of a condition, asked for at a terminal, refused in a script without --yes', async () => {
    await ok(['create', at('rows'), '--schema', 'id long, kind string'])
    const input = [1, 2, 3, 4].map((id) => JSON.stringify({ id, kind: id === 4 ? null : id % 2 ? 'odd' : 'even' }))
    expect((await datashard(['append', at('rows'), '--format', 'ndjson'], { stdin: input.join('\n') })).code).toBe(0)
    const where = ['--where', "kind = 'odd'"]
    expect((await datashard(['delete', at('rows'), '--yes'])).stderr).toMatch(/say with --where/)
    const script = await datashard(['delete', at('rows'), ...where])
    expect([script.code, script.stderr]).toEqual([2, expect.stringMatching(/say --yes if that is meant/)])
    const no = await datashard(['delete', at('rows'), ...where], { terminal: 80, answer: 'no\n' })
    expect(no.code).toBe(3)
    expect(no.stderr).toMatch(/Delete 2 rows of .*\? Type yes: .*nothing was deleted from/s)
    expect(await ok(['scan', at('rows'), '--count'])).toBe('4\n')
    expect(await ok(['delete', at('rows'), ...where, '--yes'])).toMatch(/^deleted 2 rows of .*rows: version 3\n$/)
    expect(await ok(['delete', at('rows'), ...where, '--yes'])).toMatch(/^no row of .*rows matches\n$/)
    expect(await ok(['scan', at('rows'), '--select', 'id', '--format', 'csv'])).toBe('id\r\n2\r\n4\r\n')
    const all = await ok(['delete', at('rows'), '--where', 'true', '--yes', '--json'])
    expect(JSON.parse(all)).toMatchObject({ deletedRows: 2, version: 4 })
  })
})

describe('dropping', () => {
  test('without --yes: refused in a script, asked at a terminal', async () => {
    await ok(['create', at('gone'), '--schema', 'id long'])
    const script = await datashard(['drop', at('gone')])
    expect(script.code).toBe(2)
    expect(script.stderr).toMatch(/say --yes if that is meant/)
    const json = await datashard(['drop', at('gone'), '--json'])
    expect(json.code).toBe(2)
    const no = await datashard(['drop', at('gone')], { terminal: 80, answer: 'no\n' })
    expect(no.code).toBe(3)
    expect(no.stderr).toMatch(/Type yes: .*was not dropped: the answer was not "yes"/s)
    expect(await ok(['scan', at('gone'), '--count'])).toBe('0\n')
    const yes = await datashard(['drop', at('gone')], { terminal: 80, answer: 'yes\n' })
    expect(yes.code).toBe(0)
    await ok(['create', at('gone'), '--schema', 'id long'])
  })

  test('with --yes it is gone, and dropping it again is not found', async () => {
    expect(await ok(['drop', at('gone'), '--yes'])).toMatch(/^dropped .*gone: \d+ objects deleted\n$/)
    const again = await datashard(['drop', at('gone'), '--yes'])
    expect(again.code).toBe(1)
    expect(JSON.parse(await ok(['drop', at('gone'), '--yes', '--if-exists', '--json']))).toMatchObject({
      dropped: false,
      deletedObjects: 0,
    })
    expect((await datashard(['scan', at('gone')])).code).toBe(1)
  })
})
