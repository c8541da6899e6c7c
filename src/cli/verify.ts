/** `datashard verify`: what a table names, compared with what is there. */
import { invalid } from '../errors.ts'
import type { VerifyReport } from '../table/verify.ts'
import { snapshotIdOption } from './as-of.ts'
import type { CommandCall } from './command-spec.ts'
import { EXIT } from './exit-code.ts'
import { openLocation } from './location.ts'
import { countOf, formatBytes, formatCount, formatDuration, startProgress } from './progress.ts'
import { printResult } from './session.ts'

interface VerifyCommandOptions {
  readonly deep?: boolean
  readonly snapshot?: string
  readonly all?: boolean
}

export async function run({ session, args, options }: CommandCall<VerifyCommandOptions>): Promise<number> {
  if (options.snapshot !== undefined && options.all === true) invalid('give one of --snapshot and --all')
  const snapshots =
    options.all === true
      ? 'all'
      : options.snapshot === undefined
        ? 'current'
        : snapshotIdOption('--snapshot', options.snapshot)
  await using place = await openLocation(session, args[0]!)
  const { verifyTable } = await import('../table/verify.ts')
  const progress = startProgress(session, 'read')
  let before = { rows: 0, bytes: 0 }
  const report = await verifyTable(place.location, {
    ...place.open,
    snapshots,
    deep: options.deep === true,
    onProgress: (now) => {
      progress.add({ rows: now.rows - before.rows, bytes: now.bytes - before.bytes })
      before = now
    },
  }).finally(() => progress.end())
  const elapsedMs = Math.round(progress.elapsedMs)
  await printResult(session, { ...report, ok: report.problems.length === 0, elapsedMs }, () =>
    describe(report, elapsedMs),
  )
  return report.problems.length > 0 ? EXIT.problems : EXIT.ok
}

function describe(report: VerifyReport, elapsedMs: number): string {
  const { problems, skipped } = report
  const lines = problems.map(
    ({ kind, object, found }) => `${kind.toUpperCase().padEnd(8)} ${object}\n         ${found}`,
  )
  for (const text of skipped) lines.push(`skipped  ${text}`)
  const read = report.filesRead > 0 ? ` (${formatCount(report.filesRead)} read)` : ''
  const walked = [
    report.version === 0 ? '' : `version ${report.version}`,
    countOf(report.snapshots, 'snapshot'),
    countOf(report.manifests, 'manifest'),
    `${countOf(report.files, 'file')}${read}`,
    countOf(report.rows, 'row'),
    formatBytes(report.bytes),
    formatDuration(elapsedMs),
  ]
  lines.push(`${report.location}: ${walked.filter((part) => part !== '').join(', ')}`)
  const whole =
    skipped.length === 0 ? 'everything is there and whole' : 'everything that was checked is there and whole'
  lines.push(problems.length === 0 ? whole : countOf(problems.length, 'problem'))
  return `${lines.join('\n')}\n`
}
