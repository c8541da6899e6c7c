/** Stores: what tables lie on. */
export { storeConformance } from './conformance.ts'
export type { ConformanceCase, ConformanceTarget } from './conformance.ts'
export type { Fault, FaultCall, FaultPlan } from './fault-plan.ts'
export { localStore } from './local.ts'
export type { LocalStoreOptions } from './local.ts'
export { memoryStore } from './memory.ts'
export type { MemoryStoreOptions } from './memory.ts'
export { openStore } from './open.ts'
export type { OpenedStore, OpenStoreOptions, S3Options } from './open.ts'
export { conditionalCreateUnsupported, probeConditionalCreate, TESTED_STORES } from './probe.ts'
export type { ProbeOptions, ProbeResult } from './probe.ts'
export { s3Store } from './s3.ts'
export type { S3StoreOptions } from './s3.ts'
export type { S3ClientLike, S3Credentials, S3CredentialsInput } from './s3-options.ts'
export type {
  ByteRange,
  CallOptions,
  GetOptions,
  HeadOptions,
  HeadResult,
  ListOptions,
  ObjectInfo,
  ObjectStore,
  PutBody,
  PutMode,
  PutOptions,
  PutResult,
  RequestEvent,
} from './store.ts'
