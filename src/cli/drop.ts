/** `datashard drop`: asks a person, and wants `--yes` from a script. */
import type { CommandCall } from './command-spec.ts'
import { confirm } from './confirm.ts'
import { openLocation } from './location.ts'
import { countOf } from './progress.ts'
import { printResult } from './session.ts'

interface DropOptions {
  readonly yes?: boolean
  readonly ifExists?: boolean
}

export async function run({ session, args, options }: CommandCall<DropOptions>): Promise<void> {
  const location = args[0]!
  await using place = await openLocation(session, location)
  if (options.yes !== true) {
    await confirm(session, {
      doing: `dropping ${location}`,
      effect: 'deletes all of its rows for good',
      question: `Drop ${location} and delete all of its rows for good?`,
      refused: `${location} was not dropped`,
    })
  }
  const { dropTable } = await import('../table/drop.ts')
  let deletedObjects: number | undefined
  await dropTable(location, {
    ...place.open,
    ...(options.ifExists === true && { ifExists: true }),
    onProgress: (progress) => {
      deletedObjects = progress.deletedObjects
    },
  })
  await printResult(
    session,
    { location, dropped: deletedObjects !== undefined, deletedObjects: deletedObjects ?? 0 },
    () =>
      deletedObjects === undefined
        ? `nothing to drop at ${location}\n`
        : `dropped ${location}: ${countOf(deletedObjects, 'object')} deleted\n`,
  )
}
