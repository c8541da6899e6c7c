/** `datashard doctor`: prints the findings of a diagnosis as they are made. */
import type { Finding } from '../table/doctor.ts'
import type { CommandCall } from './command-spec.ts'
import { EXIT } from './exit-code.ts'
import { openLocation } from './location.ts'
import { jsonLine, write } from './session.ts'

const MARKS = { ok: 'ok', warning: 'warning', problem: 'PROBLEM' } as const

export async function run({ session, args }: CommandCall): Promise<number> {
  const location = args[0]!
  const { stdout } = session.io
  const json = session.options.json === true
  const findings: Finding[] = []
  for await (const finding of diagnoseLocation({ session, location })) {
    findings.push(finding)
    if (!json) await write(stdout, findingText(finding))
  }
  const count = (status: Finding['status']) => findings.filter((finding) => finding.status === status).length
  const problems = count('problem')
  const warnings = count('warning')
  if (json) await write(stdout, `${jsonLine({ location, problems, warnings, findings })}\n`)
  else await write(stdout, `\n${summary(problems, warnings)}\n`)
  return problems > 0 ? EXIT.problems : EXIT.ok
}

/** A location that no store can be opened for is a finding, too. */
async function* diagnoseLocation({ session, location }: { session: CommandCall['session']; location: string }) {
  const { attempt, diagnose } = await import('../table/doctor.ts')
  const place = yield* attempt('location', 'give a directory, or s3://bucket/prefix', () =>
    openLocation(session, location),
  )
  if (place === undefined) return
  await using opened = place
  yield* diagnose(location, opened.open)
}

function findingText({ check, status, found, next }: Finding): string {
  const lines = [`${MARKS[status].padEnd(8)} ${check.padEnd(18)} ${found.replaceAll('\n', ' ')}`]
  if (next !== undefined) lines.push(`${''.padEnd(27)} -> ${next}`)
  return `${lines.join('\n')}\n`
}

function summary(problems: number, warnings: number): string {
  if (problems === 0 && warnings === 0) return 'all is well'
  const parts = [count(problems, 'problem'), count(warnings, 'warning')].filter((part) => part !== '')
  return parts.join(', ')
}

function count(n: number, what: string): string {
  return n === 0 ? '' : `${n} ${what}${n === 1 ? '' : 's'}`
}
