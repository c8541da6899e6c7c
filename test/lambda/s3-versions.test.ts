/** On the real server of the run: objects of buckets that keep versions, and a table beside them. */
import { expect, inject, test } from 'vitest'
import { createTable, loadTable, schema, t } from '../../src/index.ts'
import { appendHandler } from '../../src/lambda/index.ts'
import { s3Store } from '../../src/store/index.ts'
import { minioClient, newBucket, s3Options } from '../support/tables.ts'
import { context, sample } from './fixture.ts'

interface Event {
  Records: { s3: { bucket: { name: string }; object: { key: string; versionId?: string; eTag?: string } } }[]
}

function notification(bucket: string, object: { key: string; versionId: string; eTag: string }): Event {
  const event = sample<Event>('s3')
  Object.assign(event.Records[0]!.s3, { bucket: { name: bucket }, object })
  return event
}

test('each version is read as it was, whatever the order of the notifications', async () => {
  const s3 = inject('s3')
  const client = minioClient(s3)
  const bucket = await newBucket(s3, 'lambda-versions')
  await client.setBucketVersioning(bucket, { Status: 'Enabled' })
  const location = `s3://${bucket}/table`
  const design = schema({ id: t.string })
  await (await createTable(location, { schema: design, s3: s3Options(s3), skipProbe: true })).close()
  const versions: { versionId: string; eTag: string }[] = []
  for (const id of ['old', 'middle', 'new']) {
    const put = await client.putObject(bucket, 'in/a b.ndjson', `{"id":"${id}"}\n`)
    versions.push({ versionId: put.versionId!, eTag: put.etag })
  }
  const handler = appendHandler({ table: location, s3: s3Options(s3), metrics: false, logger: false })
  const [old, middle, newest] = versions
  for (const version of [middle!, old!, newest!, middle!]) {
    await handler(notification(bucket, { key: 'in/a+b.ndjson', ...version }), context())
  }
  await using table = await loadTable(location, { s3: s3Options(s3) })
  expect((await table.scan().toArray()).map(({ id }) => id).toSorted()).toEqual(['middle', 'new', 'old'])

  const gone = notification(bucket, {
    key: 'in/a+b.ndjson',
    ...old!,
    versionId: '00000000-0000-0000-0000-000000000000',
  })
  await expect(handler(gone, context())).rejects.toMatchObject({
    message: expect.stringContaining('no object') as string,
  })
})

test('a version that is asked for of a store: bytes, facts, nothing where there is none', async () => {
  const s3 = inject('s3')
  const client = minioClient(s3)
  const bucket = await newBucket(s3, 'store-versions')
  await client.setBucketVersioning(bucket, { Status: 'Enabled' })
  const { versionId } = await client.putObject(bucket, 'k', 'first')
  await client.putObject(bucket, 'k', 'second one')
  const store = s3Store({ bucket, ...s3Options(s3) })
  try {
    const bytes = await store.get('k', { versionId: versionId!, range: { start: 1, end: 3 } })
    expect(new TextDecoder().decode(bytes)).toBe('ir')
    expect(await store.head('k', { versionId: versionId! })).toMatchObject({ size: 5 })
    expect(await store.head('k')).toMatchObject({ size: 10 })
    const none = '00000000-0000-0000-0000-000000000000'
    expect(await store.get('k', { versionId: none })).toBeUndefined()
    expect(await store.head('k', { versionId: none })).toBeUndefined()
  } finally {
    store.close()
  }
})
