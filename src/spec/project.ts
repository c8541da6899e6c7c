/**
 * Predicates over columns turned into predicates over partition values (spec: "Scan Planning"). The inclusive
 * projection is true of every partition that can hold a matching row; the strict one only of partitions all of whose
 * rows match.
 */
import { DataShardError } from '../errors.ts'
import { allOf, anyOf, FALSE, mapLeaves, TRUE } from './bound-logic.ts'
import type { BoundLeaf, BoundPredicate, BoundTerm } from './expressions.ts'
import type { PartitionField, PartitionSpec } from './partition.ts'
import { orderedInclusive, orderedStrict } from './project-ordered.ts'
import { oneOf } from './project-set.ts'
import { textInclusive, textStrict } from './project-text.ts'
import { bindTransform, checkTransform, transformResultType } from './transforms.ts'
import type { Type, Value } from './types.ts'

/** The inclusive projection: terms are partition fields, by their ids. `true` where the spec says nothing. */
export function projectPredicate(predicate: BoundPredicate, spec: PartitionSpec): BoundPredicate {
  return mapLeaves(predicate, (leaf) => allOf(fieldsOf(leaf, spec).map((field) => inclusive(leaf, field))))
}

/** The strict projection; `false` where the spec says nothing. */
export function projectStrict(predicate: BoundPredicate, spec: PartitionSpec): BoundPredicate {
  return mapLeaves(predicate, (leaf) => anyOf(fieldsOf(leaf, spec).map((field) => strict(leaf, field))))
}

/** A partition field with its transform ready to be applied to the source column. */
export interface ProjectedField {
  readonly term: BoundTerm
  readonly sourceType: Type
  readonly apply: (value: Value) => Value
}

/** Partition fields that come from the leaf's column, by transforms of which something is known. */
function fieldsOf(leaf: BoundLeaf, spec: PartitionSpec): readonly PartitionField[] {
  return spec.fields.filter((field) => field.sourceId === leaf.term.fieldId && isKnown(field, leaf.term))
}

function isKnown({ transform }: PartitionField, { type, name }: BoundTerm): boolean {
  if (transform.transform === 'void' || transform.transform === 'unknown') return false
  try {
    checkTransform(transform, type, name)
    return true
  } catch (error) {
    // Somebody applied a transform that the spec does not allow for the type: nothing is known of its values.
    if (DataShardError.is(error, 'invalid-argument')) return false
    throw error
  }
}

function projected({ transform, fieldId, name }: PartitionField, { type }: BoundTerm): ProjectedField {
  const apply = bindTransform(transform, type)
  return {
    term: { fieldId, path: [fieldId], name, type: transformResultType(transform, type), required: false },
    sourceType: type,
    // Transforms give null for null only.
    apply: (value) => apply(value)!,
  }
}

/** `day` of a date is that date. */
const isIdentity = ({ transform: { transform } }: PartitionField, { type }: BoundTerm): boolean =>
  transform === 'identity' || (transform === 'day' && type.type === 'date')

function inclusive(leaf: BoundLeaf, source: PartitionField): BoundPredicate {
  const field = projected(source, leaf.term)
  const { transform } = source
  if (isIdentity(source, leaf.term) || leaf.op === 'isNull' || leaf.op === 'notNull')
    return { ...leaf, term: field.term }
  // Floats have no transform but identity and void.
  if (leaf.op === 'isNan' || leaf.op === 'notNan') return TRUE
  if (transform.transform === 'bucket') return bucketInclusive(leaf, field)
  if (transform.transform === 'truncate' && isText(field.sourceType)) return textInclusive(leaf, field, transform.width)
  return orderedInclusive(leaf, field, transform.transform !== 'truncate')
}

function strict(leaf: BoundLeaf, source: PartitionField): BoundPredicate {
  const field = projected(source, leaf.term)
  const { transform } = source
  if (isIdentity(source, leaf.term) || leaf.op === 'isNull' || leaf.op === 'notNull')
    return { ...leaf, term: field.term }
  if (leaf.op === 'isNan' || leaf.op === 'notNan') return FALSE
  if (transform.transform === 'bucket') return bucketStrict(leaf, field)
  if (transform.transform === 'truncate' && isText(field.sourceType)) return textStrict(leaf, field, transform.width)
  return orderedStrict(leaf, field, transform.transform !== 'truncate')
}

const isText = (type: Type): boolean => type.type === 'string' || type.type === 'binary'

/** Equal values are in one bucket, and a bucket says no more than that. */
function bucketInclusive(leaf: BoundLeaf, { term, apply }: ProjectedField): BoundPredicate {
  if (leaf.op === 'eq') return { op: 'eq', term, value: apply(leaf.value) }
  if (leaf.op === 'isIn') return oneOf('isIn', term, leaf.values.map(apply))
  return { op: 'notNull', term }
}

function bucketStrict(leaf: BoundLeaf, { term, apply }: ProjectedField): BoundPredicate {
  if (leaf.op === 'notEq') return { op: 'notEq', term, value: apply(leaf.value) }
  if (leaf.op === 'notIn') return oneOf('notIn', term, leaf.values.map(apply))
  return FALSE
}
