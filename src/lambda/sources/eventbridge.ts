/** EventBridge: one event, whose id is the same each time it is delivered. The body is its detail. */
import type { EventSource } from './source.ts'
import { isJson, textOf, timeOf } from './source.ts'
import { throwFailure } from './sns.ts'

export const eventbridge: EventSource = {
  name: 'eventbridge',
  matches: (event) => isJson(event) && 'detail-type' in event && 'detail' in event && 'source' in event,
  open: (event, { nowMs }) => {
    const raw = event as Record<string, unknown>
    const id = textOf(raw, 'id', 'EventBridge', 'it')
    return {
      kind: 'records',
      items: [
        {
          id,
          key: `eventbridge/${id}`,
          failure: id,
          order: undefined,
          time: timeOf(raw['time'], nowMs),
          raw,
          // Columns take their values in place; the event stays as it was, for `onReject`.
          body: ({ numbers }) => (numbers === 'exact' ? structuredClone(raw['detail']) : raw['detail']),
        },
      ],
      redelivery: 'record',
      answer: throwFailure,
    }
  },
}
