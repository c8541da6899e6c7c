/** What a run of seeds is told as. */
import type { Outcome, SimulationOptions } from './simulate.ts'

const MAX_VIOLATIONS = 12

/** One outcome: what is wrong, and the command that replays it. */
export function report(outcome: Outcome, { size = 'small', strict = false }: SimulationOptions): string {
  const flags = `${size === 'small' ? '' : ` --size ${size}`}${strict ? ' --strict' : ''}`
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
  #seeds = 0

  add(outcome: Outcome): void {
    this.#seeds += 1
    const { requests, versions, events } = outcome
    for (const [what, count] of [...outcome.counts, ...Object.entries({ requests, versions, events })]) {
      this.#counts.set(what, (this.#counts.get(what) ?? 0) + count)
    }
  }

  text(): string {
    const { user, system } = process.cpuUsage(this.#cpu)
    const seconds = (user + system) / 1e6
    const counts = [...this.#counts].map(([what, count]) => `${what} ${count}`).join(', ')
    return `${this.#seeds} seeds in ${seconds.toFixed(1)} s of CPU (${(this.#seeds / seconds).toFixed(1)}/s): ${counts}`
  }
}
