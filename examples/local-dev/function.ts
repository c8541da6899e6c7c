/** The function, the same in a directory, on MinIO and on AWS: a queue's messages or NDJSON by HTTP into the table. */
import { appendHandler } from 'datashard/lambda'
import { EVENTS } from './events.ts'
import { place } from './place.ts'

const { location, s3 } = place()

export const handler = appendHandler({ table: location, create: EVENTS, ...(s3 ? { s3 } : {}) })
