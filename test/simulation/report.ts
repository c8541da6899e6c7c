/** What a run of seeds is told as. */
import type { Outcome, SimulationOptions } from './simulate.ts'

const MAX_VIOLATIONS = 12

/** One outcome: what is wrong, and the command that replays it. */
export function report(outcome: Outcome, { size = 'small' }: SimulationOptions): string {
  const flags = size === 'small' ? '' : ` --size ${size}`
  const { seed, violations, versions, requests, elapsedMs, traceHash } = outcome
  const counts = [...outcome.counts].map(([what, count]) => `${what} ${count}`).join(', ')
  const facts = `${versions} versions, ${requests} requests, ${Math.round(elapsedMs)} ms, trace ${traceHash.slice(0, 12)}`
  if (violations.length === 0) return `seed ${seed}: sound (${facts}; ${counts})`
  const shown = violations.slice(0, MAX_VIOLATIONS).map((text) => `  - ${text}`)
  if (violations.length > MAX_VIOLATIONS) shown.push(`  and ${violations.length - MAX_VIOLATIONS} more`)
  return [
    `seed ${seed} FAILED (${facts}; ${counts}):`,
    ...shown,
    `  replay: npm run test:simulation -- --seed ${seed}${flags}`,
  ].join('\n')
}

export class Totals {
  readonly #counts = new Map<string, number>()
  readonly #cpu = process.cpuUsage()
  readonly #waitsMs: number[] = []
  #seeds = 0

  add(outcome: Outcome): void {
    this.#seeds += 1
    this.#waitsMs.push(...outcome.waitsMs)
    const { requests, versions, events } = outcome
    for (const [what, count] of [...outcome.counts, ...Object.entries({ requests, versions, events })]) {
      this.#counts.set(what, (this.#counts.get(what) ?? 0) + count)
    }
  }

  text(): string {
    const { user, system } = process.cpuUsage(this.#cpu)
    const seconds = (user + system) / 1e6
    const counts = [...this.#counts].map(([what, count]) => `${what} ${count}`).join(', ')
    const sorted = this.#waitsMs.toSorted((a, b) => a - b)
    const wait = (share: number) => `${Math.round(sorted[Math.floor(share * (sorted.length - 1))] ?? 0)} ms`
    const waits = `answers after ${wait(0.5)} (p50), ${wait(0.99)} (p99), ${wait(1)} (worst)`
    return `${this.#seeds} seeds in ${seconds.toFixed(1)} s of CPU (${(this.#seeds / seconds).toFixed(1)}/s): ${counts}; ${waits}`
  }
}
