/** Signatures, judged by the signer of the AWS SDK. */
import { S3Client } from '@aws-sdk/client-s3'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { pathOf, queryOf, S3Signer } from '../../src/store/s3-signer.ts'

const DATE_MS = Date.UTC(2026, 10, 25, 23, 59, 59, 999)

interface Example {
  readonly method: string
  readonly key: string
  readonly values: Readonly<Record<string, string>>
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array | undefined
  readonly region: string
  readonly credentials: { accessKeyId: string; secretAccessKey: string; sessionToken?: string }
  readonly dateMs: number
}

/** What the SDK sends for it, byte for byte. */
async function bySdk({ method, key, values, headers, body, region, credentials, dateMs }: Example) {
  const client = new S3Client({ region, credentials })
  const signer = await client.config.signer()
  // Paths go to the signer as they are sent, queries as they are meant.
  const request = { protocol: 'https:', hostname: 'h', method, path: `/b${pathOf(key)}`, query: values, headers, body }
  const options = { signingDate: new Date(dateMs), signingRegion: region, signingService: 's3' }
  const signed = await signer.sign(request as Parameters<typeof signer.sign>[0], options)
  client.destroy()
  return { ...signed.headers }
}

function byUs({ method, key, values, headers, body, region, credentials, dateMs }: Example) {
  const signer = new S3Signer({ region, service: 's3' })
  const signable = { method, path: `/b${pathOf(key)}`, query: queryOf(values), headers, body }
  return { ...signer.sign(signable, credentials, dateMs) }
}

const text = fc.string({
  unit: fc.oneof(fc.constantFrom(...' !\'()*+/:;=&?@#%~_-.,$"\\éß'), fc.constantFrom(...'ab9Z')),
})
const headerValue = fc.string({ unit: fc.constantFrom(...'a b\t"=;/*') }).map((value) => value.trim())
const example: fc.Arbitrary<Example> = fc.record({
  method: fc.constantFrom('GET', 'PUT', 'HEAD', 'DELETE'),
  key: text.filter((key) => !/(?:^|\/)\.{0,2}(?:\/|$)/.test(key)),
  values: fc.dictionary(fc.constantFrom('prefix', 'list-type', 'start-after', 'max-keys'), text),
  headers: fc.dictionary(fc.constantFrom('host', 'range', 'if-match', 'x-amz-meta-a', 'content-type'), headerValue),
  body: fc.option(fc.uint8Array(), { nil: undefined }),
  region: fc.constantFrom('us-east-1', 'eu-central-1'),
  credentials: fc.constantFrom<Example['credentials']>(
    { accessKeyId: 'AKID', secretAccessKey: 'secret/+=' },
    { accessKeyId: 'ASIA', secretAccessKey: 'other', sessionToken: 'to/ke+n==' },
  ),
  dateMs: fc.integer({ min: DATE_MS - 10 * 86_400_000, max: DATE_MS }),
})

describe('a signature', () => {
  test('is the one that the SDK makes, whatever the request', async () => {
    await fc.assert(
      fc.asyncProperty(example, async (one) => {
        expect(byUs(one)).toEqual(await bySdk(one))
      }),
      { numRuns: 300 },
    )
  })

  test('is of the day, the secret and the body, also when a signer is used again', () => {
    const signer = new S3Signer({ region: 'us-east-1', service: 's3' })
    const one = { method: 'PUT', path: '/b/k', query: '', headers: { host: 'h' }, body: Uint8Array.of(1) }
    const credentials = { accessKeyId: 'a', secretAccessKey: 'b' }
    const signed = [
      signer.sign(one, credentials, DATE_MS),
      signer.sign(one, credentials, DATE_MS + 1),
      signer.sign(one, { ...credentials, secretAccessKey: 'c' }, DATE_MS),
      signer.sign({ ...one, body: Uint8Array.of(2) }, credentials, DATE_MS),
      signer.sign(one, credentials, DATE_MS),
    ].map((headers) => headers['authorization'])
    expect(new Set(signed).size).toBe(4)
    expect(signed[4]).toBe(signed[0])
  })
})
