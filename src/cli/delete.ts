/** `datashard delete`: removes the rows for which a condition is true. */
import { invalid } from '../errors.ts'
import type { CommandCall } from './command-spec.ts'
import { confirm } from './confirm.ts'
import { withTable } from './location.ts'
import { countOf } from './progress.ts'
import { printResult } from './session.ts'

interface DeleteCommandOptions {
  readonly where?: string
  readonly yes?: boolean
  readonly timeout?: number
}

export async function run({ session, args, options }: CommandCall<DeleteCommandOptions>): Promise<void> {
  const location = args[0]!
  if (options.where === undefined) invalid(`say with --where which rows of ${location} to delete; --where true for all`)
  const where = (await import('./where.ts')).parseWhere(options.where)
  const { signal } = session
  await withTable(session, location, async (table) => {
    if (options.yes !== true) {
      await confirm(session, {
        doing: `deleting from ${location}`,
        effect: 'removes rows',
        question: `Delete ${countOf(await table.scan({ where, signal }).count(), 'row')} of ${location}?`,
        refused: `nothing was deleted from ${location}`,
      })
    }
    const timeoutMs = options.timeout === undefined ? undefined : options.timeout * 1000
    const { deletedRows, version, snapshotId } = await table.delete(where, { signal, timeoutMs })
    await printResult(session, { deletedRows, version, snapshotId }, () =>
      deletedRows === 0
        ? `no row of ${location} matches\n`
        : `deleted ${countOf(deletedRows, 'row')} of ${location}: version ${version}\n`,
    )
  })
}
