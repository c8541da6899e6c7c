/** Writer processes that are killed at random moments and started again, until there were kills enough; then what is open is settled. */
import { setTimeout as sleep } from 'node:timers/promises'
import { startChild, type Child } from '../../bench/support/children.ts'
import { seeded } from '../support/seeded.ts'
import type { WriterJob, WriterWord } from './job.ts'

const READY_TIMEOUT_MS = 120_000
const SETTLE_TIMEOUT_MS = 180_000
/** This share of the kills hits a process that is still starting, some time in its first half second. */
const EARLY_KILLS = 0.15
const EARLY_MS = 500
/** A writer that ends by itself has met an error. So many, and the run is given up. */
const MAX_FAILED_STARTS = 5

export interface SlotsOptions {
  readonly kills: number
  readonly slots: number
  readonly seed: number
  /** How long a writer lives from its first append on: exponentially distributed around this mean. */
  readonly meanLifeMs: number
  readonly command: (slot: number, until: WriterJob['until']) => readonly string[]
}

export interface SlotsResult {
  /** Processes that died of SIGKILL. */
  readonly kills: number
  /** Errors of writers: an empty list, or the run has failed. */
  readonly problems: readonly string[]
}

export async function killWriters(options: SlotsOptions): Promise<SlotsResult> {
  const { slots, seed } = options
  const state = { left: options.kills, kills: 0, problems: [] as string[] }
  const each = Array.from({ length: slots }, (_, slot) => slot)
  await Promise.all(each.map((slot) => killInTurn(slot, seeded(seed * 1_000 + slot), options, state)))
  await Promise.all(each.map((slot) => settle(slot, options, state.problems)))
  return { kills: state.kills, problems: state.problems }
}

interface State {
  left: number
  kills: number
  readonly problems: string[]
}

async function killInTurn(slot: number, random: () => number, options: SlotsOptions, state: State): Promise<void> {
  while (state.left > 0 && state.problems.length < MAX_FAILED_STARTS) {
    state.left -= 1
    const early = random() < EARLY_KILLS
    const lifeMs = early ? random() * EARLY_MS : -Math.log(1 - random()) * options.meanLifeMs
    const child = startChild(options.command(slot, 'killed'))
    try {
      if (!early) await ready(child)
      await Promise.race([sleep(lifeMs), child.exited])
    } catch (error) {
      state.problems.push(String(error))
    }
    child.kill()
    const { signal } = await child.exited
    if (signal === 'SIGKILL') state.kills += 1
    else state.problems.push(await lastWord(child))
  }
}

async function ready(child: Child): Promise<void> {
  const word = await child.next<WriterWord>(READY_TIMEOUT_MS)
  if ('error' in word) throw new Error(word.error)
}

async function lastWord(child: Child): Promise<string> {
  for await (const word of child.messages<WriterWord>()) if ('error' in word) return word.error
  return `a writer ended without a word: ${child.stderr()}`
}

/** Keyed writers append again what is open; the others only open the table and close it. */
async function settle(slot: number, { command }: SlotsOptions, problems: string[]): Promise<void> {
  const child = startChild(command(slot, 'settled'))
  try {
    await ready(child)
    const word = await child.next<WriterWord>(SETTLE_TIMEOUT_MS)
    if ('error' in word) problems.push(word.error)
  } catch (error) {
    problems.push(String(error))
  } finally {
    child.kill()
    await child.exited
  }
}
