/** An S3 store on the tests' own server, with a runtime whose waits cost nothing and are noted. */
import type { Runtime } from '../../src/runtime.ts'
import { systemRuntime } from '../../src/runtime.ts'
import { s3Store } from '../../src/store/s3.ts'
import type { S3StoreOptions } from '../../src/store/s3.ts'
import type { ObjectStore } from '../../src/store/store.ts'
import type { Fault, FaultRequest, S3Server } from '../support/s3-server.ts'

export const CREDENTIALS = { accessKeyId: 'test', secretAccessKey: 'testtest' }
export const BUCKET = 'store-tests'

/** The real clock, but nobody waits; `waits` holds how long they would have. */
export function impatientRuntime(): Runtime & { readonly waits: number[] } {
  const waits: number[] = []
  return {
    ...systemRuntime,
    waits,
    sleep: async (ms) => {
      waits.push(ms)
    },
  }
}

export function storeOn(server: S3Server, options: Partial<S3StoreOptions> = {}): ObjectStore {
  return s3Store({
    bucket: BUCKET,
    endpoint: server.endpoint,
    region: 'us-east-1',
    credentials: CREDENTIALS,
    runtime: impatientRuntime(),
    ...options,
  })
}

/** A fault plan: this fault for the first `times` requests of these operations. */
export function failing(operations: string | readonly string[], fault: Fault, times = Infinity) {
  let left = times
  return ({ operation }: FaultRequest): Fault | undefined => {
    if (![operations].flat().includes(operation) || left <= 0) return undefined
    left -= 1
    return fault
  }
}

/** How many requests of an operation the server got. */
export function countOf(server: S3Server, operation: string): number {
  return server.requests.filter((request) => request.operation === operation).length
}

export function text(content: string): Uint8Array {
  return new TextEncoder().encode(content)
}

export function read(bytes: Uint8Array | undefined): string | undefined {
  return bytes && new TextDecoder().decode(bytes)
}

/** What the promise rejects with. */
export async function caught(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise
  } catch (error) {
    return error
  }
  throw new Error('expected a rejection')
}

/** The keys of a listing. */
export async function keysOf(store: ObjectStore, prefix: string): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of store.list(prefix)) keys.push(key)
  return keys
}
