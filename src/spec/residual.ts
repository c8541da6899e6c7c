/** What is left of a predicate within one partition (spec: "Scan Planning"). */
import { FALSE, leavesOf, mapLeaves, TRUE } from './bound-logic.ts'
import type { BoundLeaf, BoundPredicate } from './expressions.ts'
import type { PartitionSpec, PartitionTuple } from './partition.ts'
import { projectPredicate, projectStrict } from './project.ts'
import { partitionFilter } from './prune.ts'

/**
 * Gives, for partitions of a spec, what is still to be checked in their rows: tests that the partition's values prove
 * or rule out are gone. `true`: every row matches; `false`: none does.
 */
export function residuals(predicate: BoundPredicate, spec: PartitionSpec): (tuple: PartitionTuple) => BoundPredicate {
  const tests = new Map(leavesOf(predicate).map((leaf) => [leaf, partitionTests(leaf, spec)]))
  return (tuple) =>
    mapLeaves(predicate, (leaf) => {
      const { proves, allows } = tests.get(leaf)!
      return proves(tuple) ? TRUE : allows(tuple) ? leaf : FALSE
    })
}

/** As {@link residuals}, for one partition. */
export function residual(predicate: BoundPredicate, spec: PartitionSpec, tuple: PartitionTuple): BoundPredicate {
  return residuals(predicate, spec)(tuple)
}

function partitionTests(leaf: BoundLeaf, spec: PartitionSpec) {
  return {
    proves: partitionFilter(projectStrict(leaf, spec), spec),
    allows: partitionFilter(projectPredicate(leaf, spec), spec),
  }
}
