/** Each protection of the protocol is needed: switched off, the checker finds a violation. */
import { describe, expect, test } from 'vitest'
import { check } from './check.ts'
import type { Mutation } from './mutations.ts'
import { MUTATIONS } from './mutations.ts'

describe('commit protocol, model with one protection off', () => {
  test.each(Object.keys(MUTATIONS) as Mutation[])('%s', (mutation) => {
    const { scenario, runs, wrong } = MUTATIONS[mutation]
    const { first } = check({ scenario, from: 1, runs, mutation, firstOnly: true })
    expect(first, `a protocol that ${wrong} passed ${runs} runs of ${scenario}`).toBeDefined()
  })
})
