/**
 * Claims of ordered sources. Kinesis, DynamoDB streams and Kafka deliver again from the first record that was not
 * acknowledged, in the same order, perhaps with more records behind. So a run of records has one claim: its key is that of
 * the first record, and it says how many there are, with a hash over their ids. A run whose beginning is what a claim says
 * has that beginning in the table already; the rest of it is a run of its own.
 *
 * This does not hold for runs that come again shorter, as when an event source splits batches: the records that are missing
 * would come later under a key of their own, and be appended twice. That is an error, not a guess.
 */
import { createHash } from 'node:crypto'
import { DataShardError } from '../errors.ts'

/** What the claim of a run says: `{count}:{sha256 of the ids}`. */
export function runContent(ids: readonly string[]): string {
  const hash = createHash('sha256')
  for (const id of ids) hash.update(`${id}\n`, 'utf8')
  return `${ids.length}:${hash.digest('hex')}`
}

/**
 * How many records at the beginning of a run a claim is about.
 *
 * @throws `commit-unknown` if it is about other records: which of these are in the table cannot be told
 */
export function claimedPrefix(ids: readonly string[], content: string | undefined): number {
  const count = Number(/^(\d+):/.exec(content ?? '')?.[1] ?? Number.NaN)
  if (count > 0 && count <= ids.length && runContent(ids.slice(0, count)) === content) return count
  const why =
    count > ids.length
      ? `an earlier delivery that began with the same record had ${count} records, this one has ${ids.length}. Does the event ` +
        `source split batches when a function fails (BisectBatchOnFunctionError)? Turn that off, or set claims: 'record'`
      : 'an earlier delivery that began with the same record went on with others'
  throw new DataShardError(
    'commit-unknown',
    `which of the records from ${ids[0]} on are in the table cannot be told: ${why}. Nothing was appended`,
    { retryable: false, details: { first: ids[0], records: ids.length, claimed: content } },
  )
}
