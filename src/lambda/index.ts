/** A Lambda function that appends what it is given: from queues, streams, notifications and requests into one table. */
export { appendHandler } from './handler.ts'
export type { AppendHandler, InvocationContext } from './handler.ts'
export type { AppendHandlerOptions, MappedRows, TableInput } from './options.ts'
export type { AnyBody, LambdaRow, SourceName, SourceRecord } from './record.ts'
export type { InvocationNumbers, LambdaLogger, LambdaMetrics, LambdaTracer } from './observe.ts'
export { DEAD_LETTER_SCHEMA } from './reject.ts'
export type { DirectAnswer } from './sources/direct.ts'
