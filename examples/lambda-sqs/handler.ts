/** Orders from an SQS queue into one table. Deployed as it is: see README.md. */
import { day, schema, t } from 'datashard'
import { appendHandler } from 'datashard/lambda'

const orders = schema({
  id: t.long,
  customer: t.string,
  total: t.optional(t.decimal(12, 2)),
  ordered_at: t.timestamptz,
})

export const handler = appendHandler({
  // s3://bucket/prefix, from the function's environment.
  table: process.env['TABLE_LOCATION']!,
  create: { schema: orders, partitionBy: [day('ordered_at')] },
  source: 'sqs',
})

// Opened while the function starts, when Lambda gives it a whole CPU.
await handler.open()
