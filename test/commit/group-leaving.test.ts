/** Who leaves a group, in whatever way, is answered then, and no request is waited for that nobody waits for any more. */
import { describe, expect, test } from 'vitest'
import type { GroupContext } from '../../src/commit/group.ts'
import { Failed, GroupCommit, Withdrawn } from '../../src/commit/group.ts'
import { DataShardError } from '../../src/errors.ts'
import { virtualRuntime } from '../support/virtual-runtime.ts'

/** A group whose commits are held: what they were given, and how each ends. */
function heldGroup() {
  const runtime = virtualRuntime()
  const begun: {
    parts: string[]
    context: GroupContext
    end: (error?: unknown) => void
    answer: (results: (string | undefined)[]) => void
  }[] = []
  const group = new GroupCommit<string, string>(runtime, (parts, context) => {
    return new Promise((resolve, reject) => {
      const end = (error?: unknown) => {
        if (error !== undefined) return reject(error as Error)
        try {
          context.check()
          resolve(parts.map((part) => `${part} done`))
        } catch (left) {
          reject(left as Error)
        }
      }
      begun.push({ parts: [...parts], context, end, answer: resolve })
    })
  })
  const nth = async (n: number) => {
    while (begun.length <= n) await Promise.resolve()
    return begun[n]!
  }
  /** Two that came while another one was in flight, in the second commit. */
  const two = async (b: AbortSignal, deadlineMs = 1_000) => {
    const answers = [
      group.submit('a'),
      group.submit('b', { signal: b, deadlineMs }),
      group.submit('c', { deadlineMs: 5_000 }),
    ]
    ;(await nth(0)).end()
    return { answers, commit: await nth(1) }
  }
  return { runtime, group, begun, nth, two }
}

describe('leaving a group', () => {
  test('a part cancelled in flight does not wait for the others', async () => {
    const { nth, two } = heldGroup()
    const b = new AbortController()
    const { answers, commit } = await two(b.signal)
    b.abort('changed my mind')
    await expect(answers[1]).rejects.toMatchObject({ code: 'aborted', committed: 'no', cause: 'changed my mind' })
    expect(commit.context.signal.aborted).toBe(false)
    commit.end()
    const again = await nth(2)
    expect(again.parts).toEqual(['c'])
    again.end()
    expect(await answers[2]).toBe('c done')
  })

  test('a part cancelled while its commit is under way waits a little for what becomes of it', async () => {
    const { runtime, two } = heldGroup()
    const b = new AbortController()
    const { answers, commit } = await two(b.signal, 100_000)
    commit.context.sending([0, 1], true)
    b.abort()
    let ended = false
    answers[1]!.catch(() => undefined).finally(() => (ended = true))
    runtime.advance({ monotonicMs: 700 })
    await new Promise(setImmediate)
    expect(ended).toBe(false)
    runtime.advance({ monotonicMs: 100 })
    await expect(answers[1]).rejects.toMatchObject({ code: 'commit-unknown', committed: 'unknown' })
    commit.end(new DataShardError('commit-unknown', 'no answer'))
    await expect(answers[2]).rejects.toMatchObject({ code: 'commit-unknown' })
  })

  test('a part cancelled while its commit is under way, which then comes to nothing, has committed nothing', async () => {
    const { runtime, nth, two } = heldGroup()
    const b = new AbortController()
    const { answers, commit } = await two(b.signal, 100_000)
    commit.context.sending([0, 1], true)
    b.abort()
    commit.context.sending([0, 1], false)
    runtime.advance({ monotonicMs: 800 })
    await expect(answers[1]).rejects.toMatchObject({ code: 'aborted', committed: 'no' })
    commit.end()
    ;(await nth(2)).end()
    expect(await answers[2]).toBe('c done')
  })

  test('who is answered by a tick, before its timer, keeps no request going', async () => {
    const { runtime, two } = heldGroup()
    const b = new AbortController()
    const { answers, commit } = await two(b.signal, 1_000)
    commit.context.published([0, 1])
    // Between the moment and its timer.
    const monotonic = runtime.monotonic()
    const late = { ...runtime, monotonic: () => monotonic + 1_000 }
    Object.assign(runtime, { monotonic: late.monotonic })
    commit.context.tick()
    await expect(answers[1]).rejects.toMatchObject({ code: 'commit-unknown' })
    expect(commit.context.signal.aborted).toBe(false)
    Object.assign(runtime, { monotonic: () => monotonic + 5_000 })
    commit.context.tick()
    await expect(answers[2]).rejects.toMatchObject({ code: 'commit-unknown' })
    expect(commit.context.signal.aborted).toBe(true)
    commit.end(new DataShardError('commit-unknown', 'cut'))
  })

  test('who is late, and cancelled then, waits no longer for that', async () => {
    const { runtime, two } = heldGroup()
    const b = new AbortController()
    const { answers, commit } = await two(b.signal, 1_000)
    commit.context.sending([0], true)
    runtime.advance({ monotonicMs: 1_000 })
    runtime.advance({ monotonicMs: 700 })
    b.abort()
    runtime.advance({ monotonicMs: 50 })
    await expect(answers[1]).rejects.toMatchObject({ code: 'commit-unknown' })
    runtime.advance({ monotonicMs: 3_250 })
    expect(commit.context.signal.aborted).toBe(true)
    await expect(answers[2]).rejects.toMatchObject({ code: 'commit-contention', committed: 'no' })
    commit.end(new DataShardError('commit-unknown', 'cut'))
  })

  test('what is left of a time that is less than a clock can tell is waited for once', async () => {
    const waits: number[] = []
    let nowMs = 0
    const runtime = {
      ...virtualRuntime(),
      monotonic: () => nowMs,
      after: (ms: number, event: () => void) => {
        waits.push(ms)
        // A clock of whole milliseconds, whose timers come a little early.
        nowMs += Math.floor(ms)
        if (waits.length < 100) queueMicrotask(event)
        return () => undefined
      },
    }
    const group = new GroupCommit<string, string>(runtime, () => new Promise(() => undefined))
    await expect(group.submit('a', { deadlineMs: 1_000.25 })).rejects.toMatchObject({ code: 'commit-contention' })
    expect(waits).toEqual([1_000.25, 1])
  })

  test('a commit goes on when somebody leaves who has no part in it', async () => {
    const { group, begun, two } = heldGroup()
    const c = new AbortController()
    const { answers, commit } = await two(c.signal)
    c.abort()
    await expect(answers[1]).rejects.toMatchObject({ code: 'aborted', committed: 'no' })
    expect(() => commit.context.check([1])).not.toThrow()
    expect(() => commit.context.check()).toThrow(Withdrawn)
    commit.answer([undefined, 'c done'])
    expect(await answers[2]).toBe('c done')
    await group.idle()
    expect(begun).toHaveLength(2)
  })

  test('what a commit of some fails by is not told to the others', async () => {
    const { nth, two } = heldGroup()
    const { answers, commit } = await two(new AbortController().signal)
    commit.end(new Failed([0], new DataShardError('commit-conflict', 'of another schema')))
    await expect(answers[1]).rejects.toMatchObject({ code: 'commit-conflict' })
    const again = await nth(2)
    expect(again.parts).toEqual(['c'])
    again.end()
    expect(await answers[2]).toBe('c done')
  })
})
