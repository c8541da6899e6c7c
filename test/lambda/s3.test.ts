import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createTable, loadTable, schema, t } from '../../src/index.ts'
import type { AppendHandlerOptions } from '../../src/lambda/index.ts'
import { appendHandler } from '../../src/lambda/index.ts'
import type { ObjectStore } from '../../src/store/store.ts'
import { s3Store } from '../../src/store/index.ts'
import { startS3Server } from '../support/s3-server.ts'
import type { S3Server } from '../support/s3-server.ts'
import { context, sample } from './fixture.ts'

const BUCKET = 'uploads'
let server: S3Server
let uploads: ObjectStore
let location: string
let tables = 0

beforeAll(async () => {
  server = await startS3Server({ buckets: [BUCKET, 'tables'] })
  uploads = s3Store({ bucket: BUCKET, ...s3() })
})
afterAll(async () => {
  uploads.close()
  await server.stop()
})
beforeEach(async () => {
  location = `s3://tables/t${++tables}`
  const columns = schema({ id: t.string, n: t.optional(t.long), at: t.optional(t.timestamptz) })
  await (await createTable(location, { schema: columns, s3: s3(), skipProbe: true })).close()
})

function s3() {
  return {
    endpoint: server.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'testtest' },
  }
}

interface Event {
  Records: {
    eventName: string
    s3: { bucket: { name: string }; object: { key: string; eTag?: string; sequencer?: string } }
  }[]
}

function notification(keys: readonly string[], more: Partial<Event['Records'][0]['s3']['object']> = {}): Event {
  const [record] = sample<Event>('s3').Records
  return {
    Records: keys.map((key) => ({
      ...record!,
      s3: {
        ...record!.s3,
        object: { ...record!.s3.object, key: encodeURIComponent(key).replaceAll('%20', '+'), ...more },
      },
    })),
  }
}

const handler = (options: Partial<AppendHandlerOptions> = {}) =>
  appendHandler({ table: location, s3: s3(), metrics: false, logger: false, ...options })

async function rows() {
  await using table = await loadTable(location, { s3: s3() })
  const all = await table.scan({ json: true }).toArray()
  return all.toSorted((a, b) => (String(a['id']) < String(b['id']) ? -1 : 1))
}

const ids = async () => (await rows()).map((row) => row['id'])
const put = (key: string, body: string | Uint8Array) =>
  uploads.put(key, typeof body === 'string' ? new TextEncoder().encode(body) : body)

async function parquet(count: number): Promise<Uint8Array> {
  const at = `s3://tables/parquet-${++tables}`
  const columns = schema({ id: t.string, n: t.long })
  await using table = await createTable(at, { schema: columns, s3: s3(), skipProbe: true })
  await table.append(Array.from({ length: count }, (_, n) => ({ id: `p${n}`, n })))
  for await (const file of table.files()) {
    const store = s3Store({ bucket: 'tables', ...s3() })
    const bytes = await store.get(store.keyOf(file.path)!)
    store.close()
    return bytes!
  }
  throw new Error('no file')
}

describe('S3 notifications', () => {
  test.each([
    ['rows.ndjson', '{"id":"a","n":1}\n\n{"id":"b","n":9007199254740993}\n'],
    ['rows.json', '[{"id":"a","n":1},{"id":"b","n":9007199254740993}]'],
    ['rows.csv', 'id,n\na,1\nb,9007199254740993\n'],
    ['rows.tsv', 'id\tn\na\t1\nb\t9007199254740993\n'],
    ['no-name-of-a-format', '{"id":"a","n":1}\n{"id":"b","n":9007199254740993}'],
  ])('%s, plain and gzipped', async (key, text) => {
    await put(key, text)
    await put(`${key}.gz`, gzipSync(text))
    expect(await handler()(notification([key]), context())).toBeUndefined()
    const expected = [
      { id: 'a', n: 1, at: null },
      { id: 'b', n: '9007199254740993', at: null },
    ]
    expect(await rows()).toEqual(expected)
    await handler()(notification([`${key}.gz`]), context())
    expect(await ids()).toEqual(['a', 'a', 'b', 'b'])
  })

  test('Parquet, as it is and through map', async () => {
    await put('rows.parquet', await parquet(3))
    await handler()(notification(['rows.parquet']), context())
    expect(await rows()).toEqual([0, 1, 2].map((n) => ({ id: `p${n}`, n, at: null })))
    const map = ({ body, id }: { body: { n: bigint }; id: string }) => ({ id: `${id} ${body.n + 1n}` })
    await handler({ map })(notification(['rows.parquet'], { sequencer: 'other' }), context())
    expect((await ids()).slice(3)).toEqual([1, 2, 3].map((n) => `uploads/rows.parquet@other#${n} ${n}`))
  })

  test('by EventBridge, and by a queue where the handler is told so', async () => {
    await put('in/rows.ndjson', '{"id":"a"}')
    await handler()(sample('s3-eventbridge'), context())
    const message = (messageId: string, body: string) => ({
      messageId,
      body,
      eventSource: 'aws:sqs',
      eventSourceARN: 'arn:q',
    })
    const event = {
      Records: [
        message('m-1', JSON.stringify(sample('s3'))),
        message('m-2', JSON.stringify({ Service: 'Amazon S3', Event: 's3:TestEvent', Bucket: 'uploads' })),
        message('m-3', JSON.stringify(notification(['missing']))),
        message('m-4', 'hello'),
        message(
          'm-5',
          JSON.stringify({
            Type: 'Notification',
            Message: JSON.stringify(notification(['in/rows.ndjson'], { sequencer: 'by topic' })),
          }),
        ),
      ],
    }
    expect(await handler({ source: 's3' })(event, context())).toEqual({
      batchItemFailures: [{ itemIdentifier: 'm-3' }, { itemIdentifier: 'm-4' }],
    })
    expect(await ids()).toEqual(['a', 'a', 'a'])
  })

  test('a notification that comes again, and one that is there twice, add nothing', async () => {
    await put('once.ndjson', '{"id":"a"}\n{"id":"b"}')
    await handler()(notification(['once.ndjson', 'once.ndjson']), context())
    await handler()(notification(['once.ndjson']), context())
    expect(await ids()).toEqual(['a', 'b'])
  })

  test("keys are as they are, blanks and all; deletions are nobody's business", async () => {
    await put('a b/ü+(1).ndjson', '{"id":"a"}')
    await handler()(notification(['a b/ü+(1).ndjson']), context())
    const deletion = notification(['gone.ndjson'])
    deletion.Records[0]!.eventName = 'ObjectRemoved:Delete'
    await handler()(deletion, context())
    expect(await ids()).toEqual(['a'])
  })

  test('an object with a bad row is not appended at all, and those beside it are', async () => {
    await put('bad.ndjson', '{"id":"a"}\n{"id":"b","n":"many"}\n{"id":"c"}')
    await put('good.ndjson', '{"id":"d"}')
    await expect(handler()(notification(['bad.ndjson', 'good.ndjson']), context())).rejects.toMatchObject({
      code: 'invalid-argument',
      message: expect.stringContaining('#2: row 0, column') as string,
    })
    expect(await ids()).toEqual(['d'])
    await put('bad.ndjson', '{"id":"a"}\n{"id":"b","n":2}\n{"id":"c"}')
    await handler()(notification(['bad.ndjson', 'good.ndjson']), context())
    expect(await ids()).toEqual(['a', 'b', 'c', 'd'])
  })

  test('where somebody takes bad rows, the others are appended', async () => {
    await put('mixed.ndjson', '{"id":"a"}\n{"id":\n{"id":"c"}')
    const taken: [string, unknown][] = []
    await handler({ onReject: ({ id, body }) => void taken.push([id, body]) })(
      notification(['mixed.ndjson']),
      context(),
    )
    expect(taken).toEqual([['uploads/mixed.ndjson@0A1B2C3D4E5F678901#2', undefined]])
    expect(await ids()).toEqual(['a', 'c'])
  })

  test.each([
    ['deleted', 'nothing-there.ndjson', undefined, 'any more'],
    ['replaced', 'replaced.ndjson', '{"id":"a"}', 'not the object of the notification'],
  ])('an object that was %s since is an error that says so', async (_, key, content, message) => {
    if (content !== undefined) await put(key, content)
    const event = notification([key], { eTag: 'd41d8cd98f00b204e9800998ecf8427e' })
    await expect(handler()(event, context())).rejects.toMatchObject({
      message: expect.stringContaining(message) as string,
    })
    expect(await ids()).toEqual([])
  })

  test.each([
    ['cut.gz', new Uint8Array(gzipSync('{"id":"a"}\n{"id":"b"}')).slice(0, 20), 'cannot be unpacked'],
    ['latin1.ndjson', new Uint8Array([0x7b, 0xe4, 0x7d]), 'UTF-8'],
    ['broken.csv', 'id,n\na\n', 'found 1 fields'],
    ['no.parquet', 'PAR1 and nothing else', ''],
    ['unknown.bin', 'hello', 'cannot tell the format'],
  ])('%s is refused, and nothing of it is appended', async (key, content, message) => {
    await put(key, content)
    await expect(handler()(notification([key]), context())).rejects.toMatchObject({
      code: 'invalid-argument',
      message: expect.stringContaining(message) as string,
    })
    expect(await ids()).toEqual([])
  })

  test(
    'little that unpacks to one endless line is refused before it fills the memory',
    { timeout: 120_000 },
    async () => {
      // 280 MB of nothing in 270 KB.
      await put('bomb.ndjson.gz', gzipSync(Buffer.alloc(280_000_000, ' ')))
      await expect(handler()(notification(['bomb.ndjson.gz']), context(100_000))).rejects.toMatchObject({
        code: 'invalid-argument',
        message: expect.stringContaining('a line of more than') as string,
      })
      expect(await ids()).toEqual([])
    },
  )

  test('an empty object has no rows', async () => {
    await put('empty.ndjson', '')
    expect(await handler()(notification(['empty.ndjson']), context())).toBeUndefined()
    expect(await ids()).toEqual([])
  })

  test('columns that only the object has are added before it is appended', async () => {
    await put('new.ndjson', '{"id":"a","kind":"x"}\n{"id":"b","score":1.5}')
    await handler({ unknownColumns: 'evolve' })(notification(['new.ndjson']), context())
    expect(await rows()).toEqual([
      { id: 'a', n: null, at: null, kind: 'x', score: null },
      { id: 'b', n: null, at: null, kind: null, score: 1.5 },
    ])
  })

  test('an object of many pieces streams through', { timeout: 120_000 }, async () => {
    const line = (n: number) => `{"id":"${String(n).padStart(90, '0')}","n":${n}}\n`
    await put('large.ndjson', Array.from({ length: 180_000 }, (_, n) => line(n)).join(''))
    server.requests.length = 0
    await handler()(notification(['large.ndjson']), context(100_000))
    const reads = server.requests.filter(({ operation, key }) => operation === 'GetObject' && key === 'large.ndjson')
    // 20 MB in pieces of 8 MiB, and the first bytes twice to see what it is.
    expect(reads).toHaveLength(3 + 2)
    await using table = await loadTable(location, { s3: s3() })
    expect(await table.scan().count()).toBe(180_000)
  })

  test.each([
    [{ Records: [{ eventSource: 'aws:s3', s3: {} }] }, 'Records[0].s3.bucket'],
    [{ Records: [{ eventSource: 'aws:s3', s3: { bucket: { name: 'b' }, object: {} } }] }, 'Records[0].s3.object.key'],
  ])('an event that is none is refused by name', async (event, path) => {
    await expect(handler()(event, context())).rejects.toMatchObject({ details: { path } })
  })
})
