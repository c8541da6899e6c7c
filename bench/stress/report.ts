/** What a stress comes to, for people and for machines. */
import { figure, quantile, textTable } from '../support/figures.ts'
import { isClean } from '../support/verdict.ts'
import type { StressResult } from './stress.ts'

const TENTHS = 10

export interface StressSummary {
  readonly place: string
  readonly acknowledged: number
  readonly failed: number
  readonly seconds: number
  readonly operationsPerSecond: number
  /**
   * Operations per second in each tenth of the operations that ended while all processes were at work: the last ones run with less
   * company, and would flatter.
   */
  readonly tenths: readonly number[]
  /** The last two tenths to the first two. */
  readonly endToBeginning: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly worstMs: number
  readonly versions: number
  readonly appendsPerVersion: number
  readonly attemptsPerAppend: number
  readonly requestsPerAppend: Readonly<Record<string, number>>
  readonly cpuSeconds: number
  readonly objects: StressResult['objects']
  readonly verdicts: StressResult['verdicts']
  readonly failures: readonly string[]
  readonly good: boolean
}

export function summarize(result: StressResult): StressSummary {
  const { reports, startedMs, versions, objects, verdicts, place } = result
  const ended = reports.flatMap((report) => report.endedMs).toSorted((a, b) => a - b)
  const took = reports.flatMap((report) => report.tookMs)
  const failures = reports.flatMap((report) => report.failures.map((failure) => failure.error))
  const acknowledged = ended.length
  const seconds = ((ended.at(-1) ?? Number.NaN) - startedMs) / 1_000
  const together = Math.min(...reports.map((report) => report.endedMs.at(-1) ?? startedMs))
  const tenths = ratesOf(
    ended.filter((at) => at <= together),
    startedMs,
  )
  const verbs = [...new Set(reports.flatMap((report) => Object.keys(report.requests)))]
  const sum = (of: (report: (typeof reports)[number]) => number): number =>
    reports.reduce((all, one) => all + of(one), 0)
  return {
    place,
    acknowledged,
    failed: failures.length,
    seconds,
    operationsPerSecond: acknowledged / seconds,
    tenths,
    endToBeginning: (tenths[8]! + tenths[9]!) / (tenths[0]! + tenths[1]!),
    p50Ms: quantile(took, 0.5),
    p99Ms: quantile(took, 0.99),
    worstMs: quantile(took, 1),
    versions,
    appendsPerVersion: acknowledged / versions,
    attemptsPerAppend: sum((report) => report.attempts) / acknowledged,
    requestsPerAppend: Object.fromEntries(
      verbs.map((verb) => [verb, sum((report) => report.requests[verb] ?? 0) / acknowledged]),
    ),
    cpuSeconds: sum((report) => report.cpuSeconds),
    objects,
    verdicts,
    failures: [...new Set(failures)].slice(0, 5),
    good: failures.length === 0 && acknowledged > 0 && verdicts.length > 0 && verdicts.every(isClean),
  }
}

function ratesOf(ended: readonly number[], startedMs: number): number[] {
  return Array.from({ length: TENTHS }, (_, i) => {
    const from = Math.floor((ended.length * i) / TENTHS)
    const to = Math.floor((ended.length * (i + 1)) / TENTHS)
    const began = from === 0 ? startedMs : ended[from - 1]!
    return ((to - from) * 1_000) / (ended[to - 1]! - began)
  })
}

export function printSummary(summary: StressSummary): void {
  const { requestsPerAppend, objects, verdicts } = summary
  const requests = Object.entries(requestsPerAppend).map(([verb, count]) => `${verb} ${figure(count)}`)
  const size = ({ objects: count, bytes }: { objects: number; bytes: number }): string =>
    `${figure(count)} objects, ${figure(bytes / 1e6)} MB`
  const facts: readonly (readonly [string, string])[] = [
    [
      'operations',
      `${figure(summary.acknowledged)} acknowledged, ${summary.failed} failed, ${figure(summary.seconds)} s`,
    ],
    ['operations per second', figure(summary.operationsPerSecond)],
    ['  in each tenth', summary.tenths.map(figure).join('  ')],
    ['  end to beginning', figure(summary.endToBeginning)],
    ['latency ms', `p50 ${figure(summary.p50Ms)}, p99 ${figure(summary.p99Ms)}, worst ${figure(summary.worstMs)}`],
    ['versions', `${figure(summary.versions)}, ${figure(summary.appendsPerVersion)} appends in each`],
    ['attempts per append', figure(summary.attemptsPerAppend)],
    ['requests per append', requests.join(', ')],
    ['CPU of the writers', `${figure(summary.cpuSeconds)} s`],
    ['newest version file', `${figure(objects.versionFileBytes / 1_000)} kB`],
    ['metadata, data', `${size(objects.metadata)}; ${size(objects.data)}`],
  ]
  console.log(facts.map(([name, text]) => `${name.padEnd(24)}${text}`).join('\n'))
  console.log(textTable(verdicts.map(({ examples, ...verdict }) => ({ ...verdict, examples: examples.join(' ') }))))
  for (const failure of summary.failures) console.log(`failed: ${failure}`)
}
