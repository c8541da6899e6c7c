/** The options that choose an earlier state: `--as-of`, `--snapshot`, `--ref`, at most one of them. */
import { invalid } from '../errors.ts'
import type { AsOf } from '../table/as-of.ts'

export interface AsOfOptions {
  readonly asOf?: string
  readonly nearest?: boolean
  readonly snapshot?: string
  readonly ref?: string
}

/** @throws DataShardError `invalid-argument` when two are given, or one cannot be read. */
export function asOfOption(options: AsOfOptions): AsOf | undefined {
  const given = [
    options.asOf !== undefined && '--as-of',
    options.snapshot !== undefined && '--snapshot',
    options.ref !== undefined && '--ref',
  ].filter((name) => name !== false)
  if (given.length > 1) invalid(`${given.join(' and ')} name two states of the table; give one of them`)
  if (options.nearest === true && options.asOf === undefined) invalid('--nearest is for --as-of; give both')
  if (options.asOf !== undefined) {
    return { timestamp: momentOption('--as-of', options.asOf), ...(options.nearest === true && { nearest: true }) }
  }
  if (options.snapshot !== undefined) return { snapshotId: snapshotIdOption('--snapshot', options.snapshot) }
  return options.ref === undefined ? undefined : { ref: options.ref }
}

const MOMENT = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)(Z|[+-]\d\d:?\d\d)?)?$/i

/** A date or an ISO 8601 time; UTC unless it names a zone, as everything in a table's history is. */
function momentOption(name: string, text: string): Date {
  const match = MOMENT.exec(text)
  const date = match ? new Date(`${match[1]}T${match[2] ?? '00:00'}${match[3]?.toUpperCase() ?? 'Z'}`) : undefined
  if (date === undefined || Number.isNaN(date.getTime())) {
    invalid(`${name} '${text}' is no moment; write 2026-01-31, or 2026-01-31T12:00:00Z (UTC unless it names a zone)`)
  }
  return date
}

/** @throws DataShardError `invalid-argument` if it is no 64-bit number. */
export function snapshotIdOption(name: string, text: string): bigint {
  if (!/^\d{1,19}$/.test(text)) invalid(`${name} '${text}' is no snapshot id; \`datashard log\` lists them`)
  return BigInt(text)
}
