/** Where requests go that do not pass the SDK's middleware: where the SDK would have sent them. */
import * as sdk from '@aws-sdk/client-s3'
import type { S3ClientConfig } from '@aws-sdk/client-s3'
import { describe, expect, test } from 'vitest'
import { addressOf } from '../../src/store/s3-address.ts'
import { CREDENTIALS } from './s3-fixture.ts'

async function addressBy(bucket: string, config: S3ClientConfig) {
  const client = new sdk.S3Client({ region: 'eu-central-1', credentials: CREDENTIALS, maxAttempts: 1, ...config })
  try {
    return await addressOf(sdk, client, bucket)
  } finally {
    client.destroy()
  }
}

describe('the address of a bucket', () => {
  test.each<readonly [what: string, bucket: string, config: S3ClientConfig, address: object]>([
    ['at AWS', 'data', {}, { protocol: 'https:', hostname: 'data.s3.eu-central-1.amazonaws.com', basePath: '' }],
    ['in China', 'data', { region: 'cn-north-1' }, { hostname: 'data.s3.cn-north-1.amazonaws.com.cn' }],
    ['with FIPS', 'data', { region: 'us-east-1', useFipsEndpoint: true }, { hostname: /^data\.s3-fips\./ }],
    ['with dual stack', 'data', { useDualstackEndpoint: true }, { hostname: /^data\.s3\.dualstack\.eu-central-1/ }],
    ['accelerated', 'data', { useAccelerateEndpoint: true }, { hostname: 'data.s3-accelerate.amazonaws.com' }],
    ['with dots', 'my.data', {}, { hostname: 's3.eu-central-1.amazonaws.com', basePath: '/my.data' }],
    [
      'of another store, path-style',
      'data',
      { endpoint: 'http://minio.example:9000', forcePathStyle: true },
      { protocol: 'http:', hostname: 'minio.example', port: 9000, basePath: '/data', host: 'minio.example:9000' },
    ],
    [
      'of another store, by host name',
      'data',
      { endpoint: 'https://minio.example' },
      { protocol: 'https:', hostname: 'data.minio.example', basePath: '', host: 'data.minio.example' },
    ],
    [
      'behind a path',
      'data',
      { endpoint: 'https://gateway.example/s3/', forcePathStyle: true },
      { hostname: 'gateway.example', basePath: '/s3/data' },
    ],
  ])('%s', async (_what, bucket, config, { hostname, ...rest }: { hostname?: string | RegExp }) => {
    const address = await addressBy(bucket, config)
    expect(address).toMatchObject({ region: config.region ?? 'eu-central-1', service: 's3', ...rest })
    expect(address?.hostname).toMatch(hostname!)
  })

  test('is none where requests are not signed with a key: the SDK makes them', async () => {
    expect(await addressBy('data', { signer: { sign: async (request) => request } })).toBeUndefined()
  })

  test('is not known without credentials, which is said as it is', async () => {
    const credentials = async () => {
      throw Object.assign(new Error('none'), { name: 'CredentialsProviderError' })
    }
    await expect(addressBy('data', { credentials })).rejects.toMatchObject({ name: 'CredentialsProviderError' })
  })
})
