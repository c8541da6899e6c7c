/** Access that is known without the SDK: the same as the SDK's, or left to it. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as sdk from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { addressOf } from '../../src/store/s3-address.ts'
import { knownAccess } from '../../src/store/s3-known.ts'
import { s3Settings } from '../../src/store/s3-options.ts'

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'datashard-s3-known-'))
})
afterAll(() => rm(directory, { recursive: true, force: true }))

const KEYS = { AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'secret' }

function known(bucket: string, env: NodeJS.ProcessEnv, given: Parameters<typeof s3Settings>[0] = {}) {
  const none = join(directory, 'none')
  const all = { AWS_CONFIG_FILE: none, AWS_SHARED_CREDENTIALS_FILE: none, ...env }
  const settings = s3Settings(given, all)
  return knownAccess(bucket, settings, settings.region, all)
}

describe('the address', () => {
  const regions = ['us-east-1', 'eu-central-1', 'ap-southeast-5', 'me-central-1', 'mx-central-1', 'il-central-1']
  const endpoints = ['http://minio:9000', 'https://minio.example', 'https://gateway.example/s3/', 'http://10.0.0.1:80']

  test.each([
    ...regions.map((region) => ({ region, endpoint: undefined })),
    ...endpoints.map((endpoint) => ({ region: 'us-east-1', endpoint })),
  ])('is the one of the SDK: %j', async ({ region, endpoint }) => {
    for (const bucket of ['data', 'my-data-2', 'a'.repeat(63)]) {
      const client = new sdk.S3Client({
        region,
        credentials: { accessKeyId: 'id', secretAccessKey: 'secret' },
        ...(endpoint !== undefined && { endpoint, forcePathStyle: true }),
      })
      const { userAgent: _, ...expected } = (await addressOf(sdk, client, bucket))!
      const { userAgent, ...address } = known(bucket, { ...KEYS, AWS_REGION: region }, { endpoint })!.address
      expect(address).toEqual(expected)
      expect(userAgent).toMatch(/^datashard\//)
      client.destroy()
    }
  })

  test.each([
    ['in China', 'data', { AWS_REGION: 'cn-north-1' }],
    ['in GovCloud', 'data', { AWS_REGION: 'us-gov-west-1' }],
    ['in an isolated partition', 'data', { AWS_REGION: 'us-iso-east-1' }],
    ['without a region', 'data', {}],
    ['with dots', 'my.data', { AWS_REGION: 'us-east-1' }],
    ['of an access point', 'data--ol-s3', { AWS_REGION: 'us-east-1' }],
    ['by ARN', 'arn:aws:s3:us-east-1:1:accesspoint/x', { AWS_REGION: 'us-east-1' }],
    ['with FIPS', 'data', { AWS_REGION: 'us-east-1', AWS_USE_FIPS_ENDPOINT: 'true' }],
    ['with dual stack', 'data', { AWS_REGION: 'us-east-1', AWS_USE_DUALSTACK_ENDPOINT: 'true' }],
    ['of a VPC endpoint', 'data', { AWS_ENDPOINT_URL_S3: 'https://bucket.vpce-1.s3.us-east-1.vpce.amazonaws.com' }],
    ['of IPv6', 'data', { AWS_ENDPOINT_URL_S3: 'http://[::1]:9000' }],
  ])('%s is left to the SDK', (_what, bucket, env) => {
    expect(known(bucket, { ...KEYS, ...env })).toBeUndefined()
  })

  test('is left to the SDK where a path or host style is demanded that is not the usual one', () => {
    expect(known('data', { ...KEYS, AWS_REGION: 'us-east-1' }, { forcePathStyle: true })).toBeUndefined()
    expect(known('data', KEYS, { endpoint: 'http://minio', forcePathStyle: false })).toBeUndefined()
  })
})

describe('credentials', () => {
  const region = { AWS_REGION: 'us-east-1' }

  test('of the environment are taken with their token, as Lambda gives them', () => {
    expect(known('data', { ...region, ...KEYS, AWS_SESSION_TOKEN: 't' })?.credentials).toEqual({
      accessKeyId: 'id',
      secretAccessKey: 'secret',
      sessionToken: 't',
    })
    expect(known('data', { ...region, ...KEYS, AWS_SESSION_TOKEN: '' })?.credentials).toEqual({
      accessKeyId: 'id',
      secretAccessKey: 'secret',
    })
  })

  test('that are given come first', () => {
    const credentials = { accessKeyId: 'mine', secretAccessKey: 'own' }
    expect(known('data', { ...region, ...KEYS }, { credentials })?.credentials).toBe(credentials)
  })

  test.each([
    ['there are none', {}],
    ['half of a pair', { AWS_ACCESS_KEY_ID: 'id' }],
    ['a profile is named', { ...KEYS, AWS_PROFILE: 'work' }],
    ['they expire', { ...KEYS, AWS_CREDENTIAL_EXPIRATION: '2030-01-01T00:00:00Z' }],
  ])('are left to the SDK if %s', (_what, env) => {
    expect(known('data', { ...region, ...env })).toBeUndefined()
  })

  test('that a function gives are left to the SDK, which asks for new ones in time', () => {
    const credentials = async () => ({ accessKeyId: 'a', secretAccessKey: 'b' })
    expect(known('data', region, { credentials })).toBeUndefined()
  })

  test.each(['AWS_CONFIG_FILE', 'AWS_SHARED_CREDENTIALS_FILE'])('are left to the SDK if %s is there', async (name) => {
    const file = join(directory, 'profile')
    await writeFile(file, '[default]\n')
    expect(known('data', { ...region, ...KEYS, [name]: file })).toBeUndefined()
    expect(known('data', { ...region, ...KEYS })).toBeDefined()
  })
})
