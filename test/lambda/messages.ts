/** SQS events of any messages: where a test is not about a source, this is the one. */
import { sample } from './fixture.ts'

interface SqsEvent {
  Records: { messageId: string; body: string }[]
}

/** Messages by id; bodies that are no text are JSON. */
export function messages(bodies: Readonly<Record<string, unknown>>): SqsEvent {
  const [record] = sample<SqsEvent>('sqs').Records
  return {
    Records: Object.entries(bodies).map(([messageId, body]) => ({
      ...record!,
      messageId,
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })),
  }
}

/** The answer that names these messages. */
export function failures(...ids: string[]) {
  return { batchItemFailures: ids.map((itemIdentifier) => ({ itemIdentifier })) }
}
