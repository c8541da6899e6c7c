/** Asking a person before something is destroyed; a script has to say `--yes`. */
import { createInterface } from 'node:readline/promises'
import { DataShardError, invalid, throwIfAborted } from '../errors.ts'
import type { Session } from './session.ts'

export interface Question {
  /** What is about to happen, for errors: `dropping ./events`. */
  readonly doing: string
  /** What it destroys: `deletes all of its rows for good`. */
  readonly effect: string
  readonly question: string
  /** Said when the answer is not yes: `./events was not dropped`. */
  readonly refused: string
}

/** Resolves if the person says yes. */
export async function confirm(session: Session, { doing, effect, question, refused }: Question): Promise<void> {
  const { stdin, stderr } = session.io
  if (stdin.isTTY !== true || session.options.json === true) {
    invalid(`${doing} ${effect}; say --yes if that is meant`)
  }
  // Without the line editor, Ctrl-C stays a signal of the process.
  const lines = createInterface({ input: stdin, output: stderr, terminal: false })
  try {
    const answer = await lines
      .question(`${question} Type yes: `, { signal: session.signal })
      .catch((error: unknown) => {
        throwIfAborted(session.signal, doing)
        throw error
      })
    if (answer.trim().toLowerCase() === 'yes') return
    throw new DataShardError('aborted', `${refused}: the answer was not "yes"`)
  } finally {
    lines.close()
  }
}
