/** The protections of the protocol. A mutation switches one of them off; the checker must notice. */
import type { ScenarioName } from './scenarios.ts'

export interface MutationPlan {
  /** What is done wrong when the protection is off. */
  readonly wrong: string
  /** The scenario that shows it soonest. */
  readonly scenario: ScenarioName
  /** Within how many runs, from seed 1 on, a violation must be found. */
  readonly runs: number
}

export const MUTATIONS = {
  ledger: { wrong: 'folds what the ledger says is folded', scenario: 'plain', runs: 100 },
  window: { wrong: 'folds intents whose window has passed', scenario: 'plain', runs: 100 },
  'one-window': { wrong: 'every second process works with a longer window', scenario: 'plain', runs: 100 },
  floor: { wrong: 'takes a lost ledger for an empty one', scenario: 'foreign', runs: 100 },
  cancellation: { wrong: 'folds what was cancelled', scenario: 'keyed', runs: 200 },
  'own-may-be-named': {
    wrong: 'commits its own intent alone without looking whether somebody cancelled it',
    scenario: 'keyed',
    runs: 100,
  },
  'cancel-only-open': { wrong: 'cancels without asking whether it is folded', scenario: 'keyed', runs: 100 },
  'conditional-create': { wrong: 'creates versions without a condition', scenario: 'plain', runs: 100 },
  nonce: { wrong: 'takes a create without a clear answer for lost', scenario: 'changes', runs: 100 },
  'base-age': { wrong: 'creates on a base that was seen long ago', scenario: 'thaw', runs: 2_000 },
  custody: { wrong: 'climbs from versions seen long ago', scenario: 'islands', runs: 150 },
  'custody-of-cache': { wrong: 'starts at a cached head of any age', scenario: 'islands', runs: 150 },
  'look-back': { wrong: 'believes a 404 of the next version alone', scenario: 'sleepers', runs: 100 },
  'custody-of-look-back': { wrong: 'looks back after a long sleep', scenario: 'islands', runs: 1_500 },
  'sighted-when-asked': { wrong: 'counts the age from the answer', scenario: 'islands', runs: 600 },
  'verdict-in-window': { wrong: 'asks a ledger later than base + W', scenario: 'plain', runs: 100 },
  archive: { wrong: 'deletes versions without archiving their ledgers', scenario: 'keyed', runs: 100 },
  'archive-before-islands': {
    wrong: 'believes an island where the archive knows better',
    scenario: 'islands',
    runs: 300,
  },
  'publish-again-after-never': {
    wrong: 'publishes under a new name while the old one is open',
    scenario: 'plain',
    runs: 300,
  },
  'claim-create-only': { wrong: 'overwrites claims', scenario: 'keyed', runs: 100 },
  'claim-before-publish': { wrong: 'publishes before the keys are claimed', scenario: 'keyed', runs: 100 },
  'claim-until-never': { wrong: 'takes a key over while its intent is open', scenario: 'keyed', runs: 100 },
  'hint-before-deletion': { wrong: 'deletes above the hint', scenario: 'islands', runs: 2_000 },
  'hint-only-upwards': { wrong: 'moves the hint back', scenario: 'islands', runs: 1_500 },
  'oldest-first': { wrong: 'deletes versions newest first', scenario: 'sleepers', runs: 300 },
  retention: { wrong: 'deletes versions as soon as they are superseded', scenario: 'sleepers', runs: 300 },
  'sweep-closed-intents': { wrong: 'removes intents that may still be folded', scenario: 'plain', runs: 100 },
  'table-uuid': { wrong: 'does not ask whose table it is', scenario: 'drops', runs: 100 },
  'drop-keeps-versions': { wrong: 'deletes the versions of a dropped table at once', scenario: 'drops', runs: 100 },
} as const satisfies Record<string, MutationPlan>

export type Mutation = keyof typeof MUTATIONS

export function isMutation(name: string): name is Mutation {
  return name in MUTATIONS
}
