/** What a stolen writer's role can do to the newest version, and how a maintainer mends it (docs/security.md). */
import { DeleteObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { expect, inject, test } from 'vitest'
import { createTable, loadTable, schema, t } from '../../src/index.ts'
import { newBucket, s3Options } from '../support/tables.ts'

const s3 = inject('s3')

test.each([
  ['a version that is no metadata', false],
  ['and the hint that names it', true],
])('%s: readers and writers fail, until it is deleted and the hint is set back', async (_name, hintToo) => {
  const Bucket = await newBucket(s3, 'recovery')
  const location = `s3://${Bucket}/events`
  const options = { s3: s3Options(s3) }
  const client = new S3Client({ ...s3Options(s3), forcePathStyle: true })
  const put = (key: string, Body: string, more: object = {}) =>
    client.send(new PutObjectCommand({ Bucket, Key: `events/metadata/${key}`, Body, ...more }))

  const table = await createTable(location, { schema: schema({ id: t.long }), ...options })
  await table.append([{ id: 1 }])
  const { version } = table
  await table.close()

  const forged = `v${version + 1}.metadata.json`
  await put(forged, '{"forged":true}', { IfNoneMatch: '*' })
  if (hintToo) await put('version-hint.text', String(version + 1))
  await expect(loadTable(location, options)).rejects.toMatchObject({ code: 'corrupt' })

  await client.send(new DeleteObjectCommand({ Bucket, Key: `events/metadata/${forged}` }))
  await put('version-hint.text', String(version))
  await using mended = await loadTable(location, options)
  await mended.append([{ id: 2 }])
  expect(mended.version).toBe(version + 1)
  expect(await mended.scan().count()).toBe(2)
})
