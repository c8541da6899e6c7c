/** `datashard sweep`: deletes what a table does not need any more. */
import type { SweepResult, SweptKind } from '../maintenance/sweep.ts'
import type { CommandCall } from './command-spec.ts'
import { confirm } from './confirm.ts'
import { openLocation } from './location.ts'
import { countOf, formatBytes, formatCount } from './progress.ts'
import { printResult } from './session.ts'

interface SweepCommandOptions {
  readonly dryRun?: boolean
  readonly yes?: boolean
}

export async function run({ session, args, options }: CommandCall<SweepCommandOptions>): Promise<void> {
  const location = args[0]!
  const dryRun = options.dryRun === true
  await using place = await openLocation(session, location)
  if (!dryRun && options.yes !== true) {
    await confirm(session, {
      doing: `sweeping ${location}`,
      effect: 'deletes files that its snapshots do not name',
      question: `Delete what no snapshot of ${location} names? (--dry-run shows how much that is)`,
      refused: `${location} was not swept`,
    })
  }
  const { sweep } = await import('../maintenance/sweep.ts')
  const { store, runtime, signal } = place.open
  const result = await sweep(location, { store, ...(runtime && { runtime }), signal, dryRun })
  await printResult(session, result, () => describe(result))
}

const KINDS: readonly (readonly [kind: keyof SweepResult, text: string])[] = [
  ['versions', 'superseded versions'],
  ['inbox', 'appends that no version can take in any more'],
  ['claims', 'idempotency keys beyond their horizon'],
  ['archives', 'ledgers that nobody can ask for'],
  ['orphans', 'files that no snapshot names'],
]

function describe(result: SweepResult): string {
  const { dryRun, objects, bytes, cancelledIntents, leftAlone, location } = result
  const lines = KINDS.flatMap(([kind, text]) => {
    const swept = result[kind] as SweptKind
    return swept.objects === 0 ? [] : [line(swept, text)]
  })
  if (cancelledIntents > 0) {
    const verb = dryRun ? 'would be cancelled' : 'were cancelled, a later sweep deletes them'
    lines.push(`${formatCount(cancelledIntents).padStart(12)} forgotten appends ${verb}`)
  }
  if (leftAlone.objects > 0) lines.push(line(leftAlone, 'of kinds that a sweep leaves alone'))
  const did = dryRun ? 'would delete' : 'deleted'
  const total = objects === 0 ? 'nothing to delete' : `${did} ${countOf(objects, 'object')}, ${formatBytes(bytes)}`
  return `${[...lines, `${location}: ${total}`].join('\n')}\n`
}

function line({ objects, bytes }: SweptKind, text: string): string {
  return `${formatCount(objects).padStart(12)} ${formatBytes(bytes).padStart(10)}  ${text}`
}
