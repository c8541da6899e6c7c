/**
 * The handler of a source that has none of its own: each record's body is a row of the table. A source whose records are not rows
 * has a handler of its own with `map` and `schema` (docs/lambda.md).
 */
import { appendHandler } from 'datashard/lambda'
import { required } from './environment.ts'

export const handler = appendHandler({
  table: required('DATASHARD_TABLE'),
  delivery: process.env['DATASHARD_DELIVERY'] === 'at-least-once' ? 'at-least-once' : 'exactly-once',
  unknownColumns: process.env['DATASHARD_UNKNOWN_COLUMNS'] === 'ignore' ? 'ignore' : 'error',
})
