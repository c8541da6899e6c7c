/**
 * The handler of a source that has none of its own: each record's body is a row of the table. A source whose records are not rows
 * has a handler of its own with `map` and `schema` (docs/lambda.md).
 */
import { appendHandler } from 'datashard/lambda'
import { required } from './environment.ts'

export const handler = appendHandler({
  table: required('DATASHARD_TABLE'),
  delivery: process.env['DATASHARD_DELIVERY'] === 'at-least-once' ? 'at-least-once' : 'exactly-once',
  // Only where the queue brings notifications of a bucket; elsewhere each event says what it is.
  ...(process.env['DATASHARD_SOURCE'] === 's3' ? { source: 's3' } : {}),
  firehose: process.env['DATASHARD_FIREHOSE'] === 'drop' ? 'drop' : 'pass',
  unknownColumns: process.env['DATASHARD_UNKNOWN_COLUMNS'] === 'ignore' ? 'ignore' : 'error',
})
