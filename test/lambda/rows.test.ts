import { type } from 'arktype'
import * as v from 'valibot'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { loadTable, schema, t } from '../../src/index.ts'
import type { AppendHandlerOptions } from '../../src/lambda/index.ts'
import { appendHandler } from '../../src/lambda/index.ts'
import { memoryStore } from '../../src/store/index.ts'
import { context, handlerOn, idsIn, LOCATION, newTable, rowsIn } from './fixture.ts'
import { failures, messages } from './messages.ts'

describe('map', () => {
  test('to one, many and no rows, sync and async', async () => {
    const store = await newTable()
    const map: AppendHandlerOptions['map'] = async ({ id, body }) => {
      if (body.kind === 'none') return []
      if (body.kind === 'nothing') return undefined
      return body.kind === 'two' ? [{ id: `${id}-1` }, { id: `${id}-2` }] : { id, n: body.n }
    }
    const event = messages({ a: { n: 1 }, b: { kind: 'two' }, c: { kind: 'none' }, d: { kind: 'nothing' } })
    expect(await handlerOn(store, { map })(event, context())).toEqual(failures())
    expect(await idsIn(store)).toEqual(['a', 'b-1', 'b-2'])
  })

  test('what it throws rejects its record', async () => {
    const store = await newTable()
    const map: AppendHandlerOptions['map'] = ({ id }) => {
      if (id === 'b') throw new TypeError('no such luck')
      return { id }
    }
    const reasons: string[] = []
    const onReject = (_: unknown, { message }: Error) => void reasons.push(message)
    expect(await handlerOn(store, { map })(messages({ a: 1, b: 1, c: 1 }), context())).toEqual(failures('b'))
    await handlerOn(store, { map, onReject })(messages({ b: 1 }), context())
    expect(reasons).toEqual(['record b: map threw: no such luck'])
    expect(await idsIn(store)).toEqual(['a', 'c'])
  })

  test('integers beyond 2^53 are bigints for it, and keep their digits without it', async () => {
    const store = await newTable()
    const seen: unknown[] = []
    const text = '{"id":"x","n":9007199254740993,"list":[{"deep":12345678901234567890}],"part":0.1}'
    await handlerOn(store, { map: ({ body }) => (seen.push(body), []) })(messages({ a: text }), context())
    expect(seen).toEqual([{ id: 'x', n: 9007199254740993n, list: [{ deep: 12345678901234567890n }], part: 0.1 }])
    await handlerOn(store)(messages({ a: '{"id":"x","n":9007199254740993}' }), context())
    expect(await rowsIn(store)).toEqual([{ id: 'x', n: 9007199254740993n }])
  })
})

describe('schema', () => {
  const bodies = { a: { id: 'a', n: '1' }, b: { id: 'b', n: 'one' }, c: { n: 3 } }

  test.each([
    ['zod', z.object({ id: z.string(), n: z.coerce.number() })],
    ['valibot', v.object({ id: v.string(), n: v.pipe(v.string(), v.decimal(), v.transform(Number)) })],
    ['arktype', type({ id: 'string', n: 'string.numeric.parse' })],
  ] as const)('%s: what fits is transformed, what does not is rejected with the reason', async (_, validator) => {
    const store = await newTable()
    const reasons: string[] = []
    const onReject = ({ id }: { id: string }, { message }: Error) => void reasons.push(`${id} ${message}`)
    await handlerOn(store, { schema: validator as never, onReject })(messages(bodies), context())
    expect(await rowsIn(store)).toEqual([{ id: 'a', n: 1n }])
    expect(reasons).toEqual([expect.stringMatching(/^b .*n: /), expect.stringMatching(/^c .*id: /)])
  })

  test('one that throws rejects its record, and a slow one is waited for', async () => {
    const store = await newTable()
    const validate = async (value: unknown) => {
      await Promise.resolve()
      if ((value as { id: string }).id === 'b') throw new Error('out of words')
      return { value }
    }
    const validator = { '~standard': { version: 1, vendor: 'test', validate } } as const
    const event = messages({ a: { id: 'a' }, b: { id: 'b' } })
    expect(await handlerOn(store, { schema: validator })(event, context())).toEqual(failures('b'))
    expect(await idsIn(store)).toEqual(['a'])
  })

  test('its output is what map gets, with its type', async () => {
    const store = await newTable()
    const handler = appendHandler({
      table: LOCATION,
      store,
      metrics: false,
      schema: z.object({ name: z.string(), at: z.coerce.date() }),
      map: ({ body }) => ({ id: body.name.toUpperCase(), n: body.at.getTime() }),
    })
    await handler(messages({ a: { name: 'x', at: '1970-01-01T00:00:05Z' } }), context())
    expect(await rowsIn(store)).toEqual([{ id: 'X', n: 5000n }])
  })
})

describe('fields that are no column', () => {
  const bodies = { a: { id: 'a', kind: 'x', deep: { big: 1 } }, b: { id: 'b' } }

  test('are an error by default', async () => {
    const store = await newTable()
    expect(await handlerOn(store)(messages(bodies), context())).toEqual(failures('a'))
    expect(await idsIn(store)).toEqual(['b'])
  })

  test('can be ignored', async () => {
    const store = await newTable()
    expect(await handlerOn(store, { unknownColumns: 'ignore' })(messages(bodies), context())).toEqual(failures())
    expect(await idsIn(store)).toEqual(['a', 'b'])
  })

  test('can be kept as JSON, with all their digits', async () => {
    const store = await newTable()
    const handler = handlerOn(store, { unknownColumns: 'rest' })
    const big = '{"id":"c","k":12345678901234567890.5,"t":"x\\"y"}'
    expect(await handler(messages({ ...bodies, c: big }), context())).toEqual(failures())
    expect(await rowsIn(store)).toEqual([
      { id: 'a', n: null, _rest: '{"kind":"x","deep":{"big":1}}' },
      { id: 'b', n: null, _rest: null },
      { id: 'c', n: null, _rest: '{"k":12345678901234567890.5,"t":"x\\"y"}' },
    ])
  })

  test('a row that has a _rest of its own beside them is rejected', async () => {
    const store = await newTable()
    const handler = handlerOn(store, { unknownColumns: 'rest' })
    const event = messages({
      a: { id: 'a', kind: 1 },
      b: { id: 'b', kind: 1, _rest: 'mine' },
      c: { id: 'c', _rest: '{}' },
    })
    expect(await handler(event, context())).toEqual(failures('b'))
    expect((await rowsIn(store)).map((row) => row['_rest'])).toEqual(['{"kind":1}', '{}'])
  })

  test('can become columns', async () => {
    const store = await newTable()
    const handler = handlerOn(store, { unknownColumns: 'evolve' })
    const event = messages({
      a: { id: 'a', kind: 'x', score: 1 },
      b: { id: 'b', score: 1.5, nothing: null, none: [], at: '2026-01-31T00:00:00Z' },
      c: { id: 'c', tags: ['t'], deep: { x: true } },
    })
    expect(await handler(event, context())).toEqual(failures())
    const table = await loadTable(LOCATION, { store })
    expect(table.schema.fields.map(({ name, type }) => `${name} ${type.type}`)).toEqual([
      'id string',
      'n long',
      'kind string',
      'score double',
      'at timestamptz',
      'tags list',
      'deep struct',
    ])
    expect(await table.scan({ json: true, select: ['id', 'score', 'tags', 'deep'] }).toArray()).toEqual([
      { id: 'a', score: 1, tags: null, deep: null },
      { id: 'b', score: 1.5, tags: null, deep: null },
      { id: 'c', score: null, tags: ['t'], deep: { x: true } },
    ])
  })

  test('a value that fits no column made for its neighbours is rejected alone', async () => {
    const store = await newTable()
    const event = messages({ a: { id: 'a', k: 1 }, b: { id: 'b', k: 'text' }, c: { id: 'c', k: 2 } })
    expect(await handlerOn(store, { unknownColumns: 'evolve' })(event, context())).toEqual(failures('b'))
    expect((await rowsIn(store)).map(({ id, k }) => [id, k])).toEqual([
      ['a', 1n],
      ['c', 2n],
    ])
  })

  test.each(['a.b', '', 'st'])('a field whose name no column can have is rejected alone: %j', async (name) => {
    const store = await newTable()
    const bad = name === 'st' ? { '': 1 } : 1
    const event = messages({ a: { id: 'a', k: 1 }, b: { id: 'b', [name]: bad }, c: { id: 'c', k: 2 } })
    expect(await handlerOn(store, { unknownColumns: 'evolve' })(event, context())).toEqual(failures('b'))
    expect((await rowsIn(store)).map(({ id }) => id)).toEqual(['a', 'c'])
  })

  test('an int column becomes long when it has to', async () => {
    const store = await newTable(schema({ id: t.string, n: t.optional(t.int) }))
    const event = messages({ a: { id: 'a', n: 1 }, b: { id: 'b', n: 3_000_000_000 } })
    expect(await handlerOn(store)(event, context())).toEqual(failures('b'))
    expect(await handlerOn(store, { unknownColumns: 'evolve' })(event, context())).toEqual(failures())
    expect(await rowsIn(store)).toEqual([
      { id: 'a', n: 1n },
      { id: 'b', n: 3_000_000_000n },
    ])
  })

  test('many functions that add the same columns at once do it once', async () => {
    const store = await newTable()
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, i) =>
        handlerOn(store, { unknownColumns: 'evolve' })(
          messages({ [`m${i}`]: { id: `m${i}`, kind: 'x', [`own${i % 3}`]: i } }),
          context(),
        ),
      ),
    )
    expect(answers).toEqual(answers.map(() => failures()))
    const table = await loadTable(LOCATION, { store })
    const names = table.schema.fields.map(({ name }) => name)
    expect(names.toSorted()).toEqual(['id', 'kind', 'n', 'own0', 'own1', 'own2'])
    expect(await table.scan().count()).toBe(12)
  })
})

describe('rejected records', () => {
  test('go to a dead-letter table with the reason, once, and count as done', async () => {
    const store = await newTable()
    const deadLetter = 'memory://store/rejected'
    const handler = () => handlerOn(store, { deadLetter })
    const event = messages({ a: { id: 'a' }, b: 'no JSON' })
    expect(await handler()(event, context())).toEqual(failures())
    expect(await handler()(event, context())).toEqual(failures())
    expect(await idsIn(store)).toEqual(['a'])
    const rows = await (await loadTable(deadLetter, { store })).scan().toArray()
    expect(rows).toMatchObject([
      { source: 'sqs', id: 'b', reason: expect.stringContaining('expected a row') as string },
    ])
    expect(JSON.parse(String(rows[0]!['raw']))).toMatchObject({ messageId: 'b', body: 'no JSON' })
  })

  test('that nobody could take come again', async () => {
    const store = await newTable()
    const lines: [string, string][] = []
    const logger = { debug() {}, info() {}, warn: (message: string) => void lines.push(['warn', message]), error() {} }
    const onReject = () => Promise.reject(new Error('queue is full'))
    const event = messages({ a: { id: 'a' }, b: 'no JSON' })
    expect(await handlerOn(store, { onReject, logger })(event, context())).toEqual(failures('b'))
    expect(lines[0]).toEqual(['warn', 'onReject threw; record b is reported as failed'])
    store.rule = ({ key }) => (key.startsWith('rejected/') ? new Error('no') : undefined)
    const deadLetter = 'memory://store/rejected'
    expect(await handlerOn(store, { deadLetter, logger })(event, context())).toEqual(failures('b'))
    expect(await idsIn(store)).toEqual(['a'])
  })

  test('onReject gets the record as it came', async () => {
    const store = await newTable(schema({ id: t.string, bytes: t.binary, n: t.int }))
    const taken: unknown[] = []
    const onReject = (record: unknown) => void taken.push(record)
    const body = { id: 'a', bytes: 'aGk=', n: 'x' }
    await handlerOn(store, { onReject })(messages({ a: body }), context())
    expect(taken).toMatchObject([{ source: 'sqs', id: 'a', body }])
  })
})

describe('options', () => {
  test.each([
    [{}, 'table'],
    [{ table: '' }, 'table'],
    [{ table: 5 }, 'table'],
    [{ table: 't', source: 'sqss' }, 'source'],
    [{ table: 't', unknownColumns: 'drop' }, 'unknownColumns'],
    [{ table: 't', delivery: 'once' }, 'delivery'],
    [{ table: 't', claims: 'none' }, 'claims'],
    [{ table: 't', map: 'x' }, 'map'],
    [{ table: 't', onReject: 'x' }, 'onReject'],
    [{ table: 't', marginMs: '5' }, 'marginMs'],
    [{ table: 't', schema: schema({ id: t.string }) }, 'schema'],
    [{ table: () => undefined, create: {} }, 'create'],
    [{ table: 't', create: {} }, 'create.schema: found undefined'],
    [{ table: 't', create: { schema: 5 } }, 'create.schema: found 5'],
    [{ table: 't', logger: 5 }, 'logger'],
    [{ table: 't', metrics: true }, 'metrics'],
    [{ table: 't', tracer: false }, 'tracer'],
    [{ table: 't', store: 'memory' }, 'store'],
    [{ table: 't', writer: 5 }, 'writer'],
    [{ table: 't', marginMs: Infinity }, 'marginMs'],
  ])('%j is refused when the function starts', (options, name) => {
    expect(() => appendHandler(options as never)).toThrow(name)
  })

  test('a table, and a function that gives one, are used as they are', async () => {
    const store = await newTable()
    const table = await loadTable(LOCATION, { store })
    await appendHandler({ table, metrics: false })(messages({ a: { id: 'a' } }), context())
    let calls = 0
    const handler = appendHandler({ table: async () => (calls++, table), metrics: false })
    await handler(messages({ b: { id: 'b' } }), context())
    await handler(messages({ c: { id: 'c' } }), context())
    expect([calls, await idsIn(store)]).toEqual([1, ['a', 'b', 'c']])
  })

  test('at-least-once: no claims, and a redelivery is appended again', async () => {
    const store = await newTable()
    const handler = handlerOn(store, { delivery: 'at-least-once' })
    store.calls.length = 0
    await handler(messages({ a: { id: 'a' }, b: { id: 'b' } }), context())
    expect(store.calls.filter(({ key }) => key.includes('/claims/'))).toEqual([])
    await handler(messages({ a: { id: 'a' } }), context())
    expect(await idsIn(store)).toEqual(['a', 'a', 'b'])
  })

  test('a table can be opened before the first event', async () => {
    const store = await newTable()
    const handler = handlerOn(store)
    expect((await handler.open()).version).toBe(1)
    store.calls.length = 0
    await handler(messages({ a: { id: 'a' } }), context())
    expect(store.calls.filter(({ key }) => key.endsWith('version-hint.text') && key.includes('get'))).toEqual([])
  })

  test('a store without a table', async () => {
    const handler = handlerOn(memoryStore())
    expect(await handler(messages({ a: { id: 'a' } }), context())).toEqual(failures('a'))
    await expect(handler({ id: 'a' }, context())).rejects.toMatchObject({ code: 'not-found' })
  })
})
