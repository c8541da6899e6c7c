import { describe, expect, test } from 'vitest'
import { GroupCommit, Withdrawn } from '../../src/commit/group.ts'
import { DataShardError } from '../../src/errors.ts'
import { systemRuntime } from '../../src/runtime.ts'

/** A commit that waits until it is released, and notes which parts it was given. */
function slowCommit() {
  const groups: string[][] = []
  const gates: (() => void)[] = []
  const group = new GroupCommit<string, string>(systemRuntime, async (parts, context) => {
    groups.push([...parts])
    await new Promise<void>((resolve) => gates.push(resolve))
    context.check()
    return parts.map((part) => `${part} in ${groups.length}`)
  })
  const release = async () => {
    while (gates.length === 0) await Promise.resolve()
    gates.shift()!()
  }
  return { group, groups, release }
}

describe('group commit', () => {
  test('what arrives while a commit is in flight shares the next one, and each gets its own answer', async () => {
    const { group, groups, release } = slowCommit()
    const answers = ['a', 'b', 'c', 'd'].map((part) => group.submit(part))
    await release()
    await release()
    expect(await Promise.all(answers)).toEqual(['a in 1', 'b in 2', 'c in 2', 'd in 2'])
    expect(groups).toEqual([['a'], ['b', 'c', 'd']])
  })

  test('a part cancelled while it waits leaves at once and is in no group', async () => {
    const { group, groups, release } = slowCommit()
    const abort = new AbortController()
    const first = group.submit('a')
    const second = group.submit('b', { signal: abort.signal })
    abort.abort('changed my mind')
    await expect(second).rejects.toMatchObject({ code: 'aborted' })
    await release()
    expect(await first).toBe('a in 1')
    await group.idle()
    expect(groups).toEqual([['a']])
  })

  test('a part cancelled in flight is left out and the others are committed without it', async () => {
    const { group, groups, release } = slowCommit()
    const abort = new AbortController()
    const first = group.submit('a')
    const second = group.submit('b', { signal: abort.signal })
    const third = group.submit('c')
    await release()
    await first
    while (groups.length < 2) await Promise.resolve()
    abort.abort()
    await release()
    await expect(second).rejects.toMatchObject({ code: 'aborted', committed: 'no' })
    await release()
    expect(await third).toBe('c in 3')
    expect(groups).toEqual([['a'], ['b', 'c'], ['c']])
  })

  test('a part that cannot be committed fails alone', async () => {
    const group = new GroupCommit<string, string>(systemRuntime, async (parts) => {
      const bad = parts.indexOf('bad')
      if (bad >= 0) throw new Withdrawn([bad], new DataShardError('invalid-argument', 'bad part'))
      return parts.map((part) => `${part} done`)
    })
    const first = group.submit('first')
    const bad = group.submit('bad')
    const good = group.submit('good')
    await expect(bad).rejects.toMatchObject({ code: 'invalid-argument' })
    expect(await Promise.all([first, good])).toEqual(['first done', 'good done'])
  })

  test('a failed commit fails everyone in it, and the next one works again', async () => {
    let fail = true
    const group = new GroupCommit<string, string>(systemRuntime, async (parts) => {
      if (fail) throw new DataShardError('unavailable', 'no answer')
      return [...parts]
    })
    await expect(group.submit('a')).rejects.toMatchObject({ code: 'unavailable' })
    fail = false
    expect(await group.submit('b')).toBe('b')
  })

  test('when everyone in flight was cancelled, the commit is told by its signal', async () => {
    const abort = new AbortController()
    const group = new GroupCommit<string, string>(
      systemRuntime,
      (_parts, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(new DataShardError('aborted', 'stopped')))
        }),
    )
    const only = group.submit('a', { signal: abort.signal })
    abort.abort()
    await expect(only).rejects.toMatchObject({ code: 'aborted' })
  })

  test('a part whose signal has fired already is not taken at all', async () => {
    const { group, groups } = slowCommit()
    await expect(group.submit('a', { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' })
    expect(groups).toEqual([])
  })

  test('a part that comes at any microtask around the end of a commit is taken', async () => {
    for (let hops = 0; hops < 12; hops++) {
      const group = new GroupCommit<string, string>(systemRuntime, async (parts) => parts)
      let late: Promise<string> | undefined
      const first = group.submit('a')
      let turn: Promise<unknown> = first
      for (let hop = 0; hop < hops; hop++) turn = turn.then(() => undefined)
      await turn.then(() => void (late = group.submit('b')))
      const lost = new Promise((resolve) => setTimeout(() => resolve(`lost after ${hops} turns`), 50))
      expect(await Promise.race([late, lost])).toBe('b')
    }
  })
})
