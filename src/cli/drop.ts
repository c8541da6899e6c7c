/** `datashard drop`: asks a person, and wants `--yes` from a script. */
import { createInterface } from 'node:readline/promises'
import { DataShardError, invalid, throwIfAborted } from '../errors.ts'
import type { CommandCall } from './command-spec.ts'
import { openLocation } from './location.ts'
import { formatCount } from './progress.ts'
import { type Session, printResult } from './session.ts'

interface DropOptions {
  readonly yes?: boolean
  readonly ifExists?: boolean
}

export async function run({ session, args, options }: CommandCall<DropOptions>): Promise<void> {
  const location = args[0]!
  await using place = await openLocation(session, location)
  if (options.yes !== true) await confirm(session, location)
  const { dropTable } = await import('../table/drop.ts')
  let deletedObjects = 0
  await dropTable(location, {
    ...place.open,
    ...(options.ifExists === true && { ifExists: true }),
    onProgress: (progress) => {
      deletedObjects = progress.deletedObjects
    },
  })
  await printResult(session, { location, dropped: true, deletedObjects }, () =>
    deletedObjects === 0
      ? `nothing to drop at ${location}\n`
      : `dropped ${location}: ${formatCount(deletedObjects)} objects deleted\n`,
  )
}

async function confirm(session: Session, location: string): Promise<void> {
  const { stdin, stderr } = session.io
  if (stdin.isTTY !== true || session.options.json === true) {
    invalid(`dropping ${location} deletes all of its rows for good; say --yes if that is meant`)
  }
  // Without the line editor, Ctrl-C stays a signal of the process.
  const lines = createInterface({ input: stdin, output: stderr, terminal: false })
  try {
    const question = `Drop ${location} and delete all of its rows for good? Type yes: `
    const answer = await lines.question(question, { signal: session.signal }).catch((error: unknown) => {
      throwIfAborted(session.signal, `dropping ${location}`)
      throw error
    })
    if (answer.trim().toLowerCase() === 'yes') return
    throw new DataShardError('aborted', `${location} was not dropped: the answer was not "yes"`)
  } finally {
    lines.close()
  }
}
