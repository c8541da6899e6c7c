/** What happens around the writers, and how often. Rates are per tick; one tick is one event. */

export interface Scenario {
  /** Ticks with arrivals and faults; afterwards everybody is left to finish in peace. */
  readonly ticks: number
  readonly writers: number
  readonly keyedShare: number
  /** How many different idempotency keys there are. */
  readonly keys: number
  /** Another attempt with the keys of an earlier one: a redelivery. */
  readonly redeliver: number
  readonly crash: number
  readonly foreign: number
  /** Of the other engines' commits, how many sleep longer than versions are kept before they create. */
  readonly foreignSleeps: number
  readonly change: number
  readonly drop: number
  readonly sweep: number
  /** Half of the processes stop, for longer than any limit. */
  readonly freeze: number
  readonly hintNeglect: number
}

const PLAIN: Scenario = {
  ticks: 700,
  writers: 5,
  keyedShare: 0.5,
  keys: 4,
  redeliver: 0.01,
  crash: 0.006,
  foreign: 0,
  foreignSleeps: 0,
  change: 0.003,
  drop: 0,
  sweep: 0.01,
  freeze: 0,
  hintNeglect: 0.2,
}

const SLOW: Scenario = { ...PLAIN, ticks: 1_200, writers: 10, foreign: 0.025, change: 0.01, sweep: 0.03 }

export const SCENARIOS = {
  plain: PLAIN,
  keyed: { ...PLAIN, keyedShare: 0.9, keys: 3, redeliver: 0.02 },
  changes: { ...PLAIN, writers: 3, change: 0.02 },
  foreign: { ...PLAIN, foreign: 0.012 },
  drops: { ...PLAIN, ticks: 900, writers: 7, drop: 0.006 },
  /** Hosts that stop and thaw, other engines among their processes; versions are deleted meanwhile. */
  sleepers: { ...SLOW, freeze: 0.008, hintNeglect: 0.5 },
  /** Other engines that sleep and plant islands where versions were deleted. */
  islands: { ...SLOW, freeze: 0.006, foreignSleeps: 0.7 },
  /** Our own processes alone stop and thaw, often, while versions come fast and go fast. */
  thaw: { ...SLOW, foreign: 0, change: 0.035, sweep: 0.04, freeze: 0.02, crash: 0.002, hintNeglect: 0.1 },
} as const satisfies Record<string, Scenario>

export type ScenarioName = keyof typeof SCENARIOS

export const SCENARIO_NAMES = Object.keys(SCENARIOS) as readonly ScenarioName[]
