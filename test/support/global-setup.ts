import type { ProvidedContext } from 'vitest'
import type { TestProject } from 'vitest/node'
import { startS3, type S3Endpoint } from './minio.ts'

declare module 'vitest' {
  interface ProvidedContext {
    s3: S3Endpoint
  }
}

/** One S3 server for the whole run; tests take `inject('s3')` and make buckets of their own. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { stop, ...endpoint } = await startS3()
  const s3: ProvidedContext['s3'] = endpoint
  project.provide('s3', s3)
  process.stderr.write(`S3 for the tests: ${s3.kind} at ${s3.endpoint}\n`)
  return stop
}
