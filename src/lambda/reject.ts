/** Where records go that cannot become rows: to a callback, into a dead-letter table, or back to their source. */
import { schema, t } from '../spec/builder.ts'
import type { DataShardError } from '../errors.ts'
import type { Settings } from './options.ts'
import type { SourceName } from './record.ts'
import { parserFor, recordOf } from './rows.ts'
import type { Item } from './sources/source.ts'
import type { WarmTable } from './warm-table.ts'

/** The columns of a dead-letter table. `raw` is the record as JSON. */
export const DEAD_LETTER_SCHEMA = schema({
  rejected_at: t.timestamptz,
  source: t.string,
  id: t.string,
  time: t.timestamptz,
  reason: t.string,
  raw: t.string,
})

export interface Rejected {
  readonly item: Item
  readonly error: DataShardError
}

export interface RejectSink {
  /** Whether each was taken: who was not is reported to the source. */
  take(rejected: readonly Rejected[], signal: AbortSignal): Promise<readonly boolean[]>
}

export function rejectSink(
  source: SourceName,
  settings: Settings,
  deadLetter: WarmTable | undefined,
  warn: (message: string, error: unknown) => void,
): RejectSink {
  return {
    async take(rejected, signal) {
      const buried = deadLetter === undefined ? undefined : await bury(rejected, deadLetter, signal)
      return Promise.all(
        rejected.map(async (one) => {
          const told = settings.onReject === undefined ? undefined : await tell(one)
          // Both, if both are there: half of it is not enough to forget the record.
          return buried !== undefined || told !== undefined ? buried !== false && told !== false : false
        }),
      )
    },
  }

  async function tell({ item, error }: Rejected): Promise<boolean> {
    try {
      await settings.onReject!(recordOf(source, item, bodyIfReadable(item)), error)
      return true
    } catch (failure) {
      warn(`onReject threw; record ${item.id} is reported as failed`, failure)
      return false
    }
  }

  function bodyIfReadable(item: Item): unknown {
    try {
      return item.body({ ...parserFor(settings), numbers: 'plain' })
    } catch {
      return undefined
    }
  }

  async function bury(rejected: readonly Rejected[], table: WarmTable, signal: AbortSignal): Promise<boolean> {
    const now = new Date(settings.runtime.now())
    const rows = rejected.map(({ item, error }) => {
      const { id, time, raw } = item
      return { rejected_at: now, source, id, time, reason: error.message, raw: rawText(raw) }
    })
    try {
      const keys = { idempotencyKeys: rejected.map(({ item }) => `rejected:${item.key}`) }
      await (await table.open(signal)).append(rows, { signal, ...(settings.exactlyOnce && keys) })
      return true
    } catch (failure) {
      warn('the dead-letter table took nothing; its records are reported as failed', failure)
      return false
    }
  }
}

function rawText(raw: unknown): string {
  if (typeof raw === 'string') return raw
  const big = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? value.toString() : value)
  return JSON.stringify(raw, big) ?? String(raw)
}
