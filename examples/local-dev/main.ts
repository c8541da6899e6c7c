/**
 * Appends three rows and counts what is there. `npx tsx examples/local-dev/main.ts` writes into a directory;
 * `DATASHARD_PLACE=minio` before it, with `npm run local:up` done, into MinIO.
 */
import { createTable } from 'datashard'
import { EVENTS } from './events.ts'
import { place } from './place.ts'

const { location, s3 } = place()
await using events = await createTable(location, { ...EVENTS, ifNotExists: true, ...(s3 ? { s3 } : {}) })
const at = new Date()
const { version } = await events.append(['a', 'b', 'c'].map((id) => ({ id, at, kind: 'demo', amount: '1.00' })))
console.log(`version ${version} of ${location}: ${await events.scan().count()} rows`)
