/** The handler: an event in, its rows in the table, and the answer that its source expects. */
import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { Table } from '../table/table.ts'
import type { InvocationContext } from './invoke.ts'
import { invoke, startInstance } from './invoke.ts'
import type { AppendHandlerOptions } from './options.ts'
import { settingsOf } from './options.ts'
import type { AnyBody, SourceName } from './record.ts'
import type { AnswerOf, EventOf } from './sources/events.ts'

/** A Lambda handler. Callbacks are not needed: it answers by its promise. */
export interface AppendHandler<S extends SourceName = SourceName> {
  (event: EventOf<S>, context?: InvocationContext): Promise<AnswerOf<S>>
  /**
   * Opens the table before the first event, for the time that an instance has to start: `await handler.open()` at the end of
   * the module.
   */
  open(): Promise<Table>
}

/**
 * A handler that appends the rows of each event to one table, and answers as the source of the event expects. Events of SQS,
 * Kinesis, DynamoDB streams, EventBridge, SNS, S3 (the rows of the object), Kafka, HTTP, Firehose and direct calls are told
 * apart by what they look like. A record that cannot become a row never stops the others, and is never lost without a word:
 * it goes to `onReject` or `deadLetter`, or its source is told that it failed.
 *
 * Requests, warm and alone: 4 for data file, manifest, list and version, 1 for the hint, 1 to list the inbox, and one for each
 * idempotency key: one per message (SQS, SNS, EventBridge), per run of records (Kinesis, DynamoDB, Kafka, Firehose), per object
 * (S3) or per call. The first invocation looks for the table: at most 5 more.
 *
 * Errors: `invalid-argument` for options that are none, at once. Of an invocation: see the answers of each source; what a source
 * cannot be told in an answer is thrown.
 *
 * @example
 * ```ts
 * import { appendHandler } from 'datashard/lambda'
 *
 * export const handler = appendHandler({
 *   table: './events',
 *   map: (record) => ({ id: record.id, at: record.time, kind: record.body.kind }),
 * })
 * console.log(await handler({ kind: 'login' })) // a direct call; Lambda gives queues and streams to the same function
 * ```
 */
export function appendHandler<
  Schema extends StandardSchemaV1 = StandardSchemaV1<AnyBody, AnyBody>,
  const S extends SourceName = SourceName,
>(options: AppendHandlerOptions<Schema, S>): AppendHandler<S> {
  const instance = startInstance(settingsOf(options))
  const handler = (event: unknown, context: InvocationContext = {}) => invoke(instance, event, context)
  return Object.assign(handler, { open: () => instance.warm.open() }) as AppendHandler<S>
}
