/** An ingest API behind a function URL: POST events as a JSON object, an array or NDJSON. */
import { schema, t } from 'datashard'
import { appendHandler } from 'datashard/lambda'

const events = schema({ name: t.string, user: t.optional(t.string), at: t.timestamptz, value: t.optional(t.double) })

export const handler = appendHandler({
  table: process.env['TABLE_LOCATION']!,
  create: { schema: events },
  source: 'http',
})
