/** Writer processes that are killed at random moments and started again, until there were kills enough; then what is open is settled. */
import { setTimeout as sleep } from 'node:timers/promises'
import { SilentChild, startChild, type Child } from '../../bench/support/children.ts'
import { seeded } from '../support/seeded.ts'
import type { WriterJob, WriterWord } from './job.ts'

const READY_TIMEOUT_MS = 120_000
const SETTLE_TIMEOUT_MS = 180_000
/**
 * Where the life of a writer begins: with its process, so that the kill hits the start; with the opened table, and so within its first
 * append most often; or with its first answer, which it gets on a slow machine too.
 */
const BIRTHS = [
  { share: 0.15, after: 'spawn' },
  { share: 0.35, after: 'ready' },
  { share: 0.5, after: 'began' },
] as const
/** A writer that ends by itself has met an error. So many, and the run is given up. */
const MAX_FAILED_STARTS = 5

export interface SlotsOptions {
  readonly kills: number
  readonly slots: number
  readonly seed: number
  /** How long a writer lives: exponentially distributed around this mean. */
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
    const after = birth(random())
    const lifeMs = -Math.log(1 - random()) * options.meanLifeMs
    const child = startChild(options.command(slot, 'killed'))
    let error: unknown
    try {
      if (after !== 'spawn') await heard(child, 'ready')
      if (after === 'began') await heard(child, 'began')
      await Promise.race([sleep(lifeMs), child.exited])
    } catch (caught) {
      error = caught
    }
    child.kill()
    const { signal } = await child.exited
    if (signal === 'SIGKILL') state.kills += 1
    // Whoever died of SIGKILL before it was heard died as it was meant to, unless it was killed because it hung.
    if (signal === 'SIGKILL' && (error === undefined || !(error instanceof SilentChild))) continue
    state.problems.push(error === undefined ? await lastWord(child) : String(error))
  }
}

function birth(drawn: number): (typeof BIRTHS)[number]['after'] {
  let left = drawn
  for (const { share, after } of BIRTHS) {
    left -= share
    if (left < 0) return after
  }
  return 'began'
}

async function heard(child: Child, what: 'ready' | 'began' | 'settled'): Promise<void> {
  const word = await child.next<WriterWord>(what === 'settled' ? SETTLE_TIMEOUT_MS : READY_TIMEOUT_MS)
  if ('error' in word) throw new Error(word.error)
  // With an open append to settle, `began` comes in between.
  if (!(what in word)) await heard(child, what)
}

async function lastWord(child: Child): Promise<string> {
  for await (const word of child.messages<WriterWord>()) if ('error' in word) return word.error
  return `a writer ended without a word: ${child.stderr()}`
}

/** Keyed writers append again what is open; the others only open the table and close it. */
async function settle(slot: number, { command }: SlotsOptions, problems: string[]): Promise<void> {
  const child = startChild(command(slot, 'settled'))
  try {
    await heard(child, 'settled')
  } catch (error) {
    problems.push(String(error))
  } finally {
    child.kill()
    await child.exited
  }
}
