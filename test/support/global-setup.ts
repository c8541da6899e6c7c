import type { ProvidedContext } from 'vitest'
import type { TestProject } from 'vitest/node'
import { infraPython } from '../infra/tools.ts'
import { prepareJudges } from '../judges/setup.ts'
import { startS3, type S3Endpoint } from './minio.ts'

declare module 'vitest' {
  interface ProvidedContext {
    s3: S3Endpoint
  }
}

/**
 * One S3 server for the whole run; tests take `inject('s3')` and make buckets of their own. What is missing for the judges is
 * installed here too, because here nothing times out; they are started by the tests that ask them (judges.ts).
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const [{ stop, ...endpoint }] = await Promise.all([startS3(), prepareJudges(), infraPython()])
  const s3: ProvidedContext['s3'] = endpoint
  project.provide('s3', s3)
  process.stderr.write(`S3 for the tests: ${s3.kind} at ${s3.endpoint}\n`)
  return stop
}
