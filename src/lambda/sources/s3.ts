/**
 * S3 notifications: direct, by EventBridge, or by SQS where `source: 's3'` says that the messages of a queue are
 * notifications. What is appended are the rows of the objects.
 */
import { DataShardError } from '../../errors.ts'
import type { BodyParser } from '../body.ts'
import { parseBody } from '../body.ts'
import type { Outcome } from '../outcome.ts'
import { openItems } from '../outcome.ts'
import { throwFailure } from './sns.ts'
import type { EventSource, InvocationFacts, Json, ObjectItem } from './source.ts'
import { hasRecordsFrom, isJson, malformed, objectOf, recordsOf, textOf, timeOf } from './source.ts'

/** AWS says `aws:s3`, MinIO `minio:s3`. */
const isNotification = (record: Json) => /^[a-z]+:s3$/.test(String(record['eventSource'])) && isJson(record['s3'])
const isQueued = (record: Json) => record['eventSource'] === 'aws:sqs'
const isBridged = (event: unknown) => isJson(event) && event['source'] === 'aws.s3' && isJson(event['detail'])

export const s3: EventSource = {
  name: 's3',
  matches: (event) => hasRecordsFrom(event, isNotification) || isBridged(event) || hasRecordsFrom(event, isQueued),
  open: (event, facts) => {
    if (isBridged(event)) return { kind: 'objects', items: bridged(event as Json, facts), answer: throwFailure }
    if (hasRecordsFrom(event, isQueued)) {
      const items = recordsOf(event, 'SQS').flatMap((record, index) => queued(record, `Records[${index}]`, facts))
      return { kind: 'objects', items, answer: messageFailures }
    }
    const items = recordsOf(event, 'S3').map((record, index) => notified(record, `Records[${index}]`, facts))
    return { kind: 'objects', items, answer: throwFailure }
  },
}

/** One message may be about several objects; it comes again for each of them. */
function messageFailures(outcome: Outcome) {
  const ids = new Set(openItems(outcome).map(({ failure }) => failure))
  return { batchItemFailures: [...ids].map((itemIdentifier) => ({ itemIdentifier })) }
}

function notified(record: Json, where: string, { nowMs }: InvocationFacts, failure?: string): ObjectItem {
  const about = objectOf(record, 's3', 'S3', where)
  const bucket = textOf(objectOf(about, 'bucket', 'S3', `${where}.s3`), 'name', 'S3', `${where}.s3.bucket`)
  const object = objectOf(about, 'object', 'S3', `${where}.s3`)
  const key = keyOf(textOf(object, 'key', 'S3', `${where}.s3.object`), `${where}.s3.object.key`)
  const event = String(record['eventName']).replace(/^s3:/, '')
  const isNew = event.startsWith('ObjectCreated')
  return itemOf({ bucket, key, object, etag: object['eTag'], version: object['versionId'] }, isNew, {
    time: timeOf(record['eventTime'], nowMs),
    raw: record,
    failure,
  })
}

/** Keys are encoded as in a form: `+` is a blank. */
function keyOf(encoded: string, path: string): string {
  try {
    return decodeURIComponent(encoded.replaceAll('+', ' '))
  } catch {
    return malformed('S3', path, encoded, 'a key as S3 encodes it')
  }
}

function bridged(event: Json, { nowMs }: InvocationFacts): readonly ObjectItem[] {
  const detail = objectOf(event, 'detail', 'S3', 'it')
  const bucket = textOf(objectOf(detail, 'bucket', 'S3', 'detail'), 'name', 'S3', 'detail.bucket')
  const object = objectOf(detail, 'object', 'S3', 'detail')
  const key = textOf(object, 'key', 'S3', 'detail.object')
  const named = { bucket, key, object, etag: object['etag'], version: object['version-id'] }
  const isNew = event['detail-type'] === 'Object Created'
  return [itemOf(named, isNew, { time: timeOf(event['time'], nowMs), raw: event, failure: undefined })]
}

/** A message is about one or more objects, or none: S3 sends a test when notifications are set up. */
function queued(message: Json, where: string, facts: InvocationFacts): readonly ObjectItem[] {
  const messageId = textOf(message, 'messageId', 'SQS', where)
  const parser: BodyParser = { numbers: 'plain', maxUnpackedBytes: facts.limits.maxUnpackedBytes }
  let body = parseBody(String(message['body']), parser)
  // By way of a topic the notification is a text in the message.
  if (isJson(body) && typeof body['Message'] === 'string') body = parseBody(body['Message'], parser)
  if (isJson(body) && body['Event'] === 's3:TestEvent') return []
  try {
    if (isBridged(body)) return bridged(body as Json, facts).map((item) => ({ ...item, failure: messageId }))
    return recordsOf(body, 'S3').map((record, index) => notified(record, `Records[${index}]`, facts, messageId))
  } catch (error) {
    if (!DataShardError.is(error, 'invalid-argument')) throw error
    const time = new Date(facts.nowMs)
    const key = `s3/message/${messageId}`
    return [{ id: messageId, key, failure: messageId, time, raw: message, object: undefined, problem: error }]
  }
}

interface NamedObject {
  readonly bucket: string
  readonly key: string
  readonly object: Json
  readonly etag: unknown
  readonly version: unknown
}

function itemOf(
  { bucket, key, object, etag, version }: NamedObject,
  isNew: boolean,
  about: { time: Date; raw: unknown; failure: string | undefined },
): ObjectItem {
  // The sequencer tells two uploads under one key apart where the bucket keeps no versions.
  const which = textOrNone(version) ?? textOrNone(object['sequencer']) ?? textOrNone(etag)
  const id = `${bucket}/${key}@${which ?? ''}`
  return {
    id,
    key: `s3/${id}`,
    failure: about.failure ?? id,
    time: about.time,
    raw: about.raw,
    object: isNew ? { bucket, key, versionId: textOrNone(version), etag: textOrNone(etag) } : undefined,
  }
}

function textOrNone(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
