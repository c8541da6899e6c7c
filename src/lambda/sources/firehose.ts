/**
 * Firehose, with the function as its transformation. What is in the table goes on to the stream's destination as it was, or
 * is dropped there. When rows could not be committed the invocation fails, and Firehose makes it again.
 */
import type { FirehoseTransformationResult, FirehoseTransformationResultRecord } from 'aws-lambda'
import { parseBase64 } from '../body.ts'
import type { Fate, Outcome } from '../outcome.ts'
import { failureOf } from '../outcome.ts'
import type { EventSource, InvocationFacts, Item, Json } from './source.ts'
import { isJson, recordsOf, textOf, timeOf } from './source.ts'

export const firehose: EventSource = {
  name: 'firehose',
  matches: (event) => isJson(event) && 'deliveryStreamArn' in event && Array.isArray(event['records']),
  open: (event, facts) => {
    const stream = textOf(event as Json, 'deliveryStreamArn', 'Firehose', 'it')
    const records = recordsOf(event, 'Firehose', 'records')
    return {
      kind: 'records',
      items: records.map((record, index) => item(record, `records[${index}]`, stream, facts)),
      redelivery: 'run',
      answer: (outcome) => answer(outcome, records, facts.firehose),
    }
  },
}

function item(record: Json, where: string, stream: string, { nowMs }: InvocationFacts): Item {
  const id = textOf(record, 'recordId', 'Firehose', where)
  return {
    id,
    key: `firehose/${stream}/${id}`,
    failure: id,
    // A record that fails is reported as such, and the others go on.
    order: undefined,
    time: timeOf(record['approximateArrivalTimestamp'], nowMs),
    raw: record,
    body: (parser) => parseBase64(record['data'], parser),
  }
}

function answer(
  outcome: Outcome,
  records: readonly Json[],
  committed: InvocationFacts['firehose'],
): FirehoseTransformationResult {
  const { items, fates } = outcome
  if (fates.some(({ kind }) => kind === 'failed')) throw failureOf(outcome)!
  return {
    records: items.map(({ id }, index) => {
      const result = resultOf(fates[index]!, committed)
      const data = records[index]!['data']
      return { recordId: id, result, ...(typeof data === 'string' && { data }) }
    }),
  }
}

function resultOf(fate: Fate, committed: InvocationFacts['firehose']): FirehoseTransformationResultRecord['result'] {
  if (fate.kind === 'committed' || fate.kind === 'replayed') return committed === 'drop' ? 'Dropped' : 'Ok'
  // Firehose keeps what failed in the error output of its destination.
  if (fate.kind === 'rejected' && !fate.handled) return 'ProcessingFailed'
  return 'Dropped'
}
