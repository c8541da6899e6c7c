/** Partition specs and sort orders as JSON (spec: appendix C). */
import {
  asArray,
  asObject,
  atIndex,
  atKey,
  has,
  idField,
  MAX_INT,
  stringField,
  unknownFields,
  wrong,
} from './json-reader.ts'
import type { At, JsonObject } from './json-reader.ts'
import { LAST_UNASSIGNED_PARTITION_ID } from './partition.ts'
import type { PartitionField, PartitionSpec } from './partition.ts'
import type { SortField, SortOrder } from './sort-order.ts'
import { parseTransform, transformName } from './transforms.ts'
import type { Transform } from './transforms.ts'

const SPEC_KEYS = new Set(['spec-id', 'fields'])
const PARTITION_FIELD_KEYS = new Set(['source-id', 'source-ids', 'field-id', 'name', 'transform'])
const ORDER_KEYS = new Set(['order-id', 'fields'])
const SORT_FIELD_KEYS = new Set(['source-id', 'source-ids', 'transform', 'direction', 'null-order'])

export function parsePartitionSpec(value: unknown, at: At): PartitionSpec {
  const json = asObject(value, at)
  const unknown = unknownFields(json, SPEC_KEYS)
  return {
    specId: idField(json, 'spec-id', at),
    fields: parsePartitionFields(json.fields, atKey(at, 'fields')),
    ...(unknown && { unknown }),
  }
}

/** The fields of a spec. v1 has no field ids: they count up from 1000 (spec: "Partition Evolution"). */
export function parsePartitionFields(value: unknown, at: At): PartitionField[] {
  return asArray(value, at).map((entry, index) => {
    const here = atIndex(at, index)
    const json = asObject(entry, here)
    const unknown = unknownFields(json, PARTITION_FIELD_KEYS)
    return {
      ...parseSource(json, here),
      fieldId: has(json, 'field-id') ? idField(json, 'field-id', here) : LAST_UNASSIGNED_PARTITION_ID + 1 + index,
      name: stringField(json, 'name', here),
      ...(unknown && { unknown }),
    }
  })
}

interface Source {
  readonly sourceId: number
  readonly sourceIds?: readonly number[]
  readonly transform: Transform
}

/** v3 may give a list of sources instead of one; a transform of several arguments is none that this version knows. */
function parseSource(json: JsonObject, at: At): Source {
  const name = stringField(json, 'transform', at)
  if (!has(json, 'source-ids')) return { sourceId: idField(json, 'source-id', at), transform: parseTransform(name) }
  const here = atKey(at, 'source-ids')
  const sourceIds = asArray(json['source-ids'], here).map((id) =>
    typeof id === 'number' && Number.isSafeInteger(id) && id <= MAX_INT ? id : wrong(here, id, 'an integer'),
  )
  const sourceId = sourceIds[0] ?? wrong(here, sourceIds, 'at least one source')
  return {
    sourceId,
    sourceIds,
    transform: sourceIds.length === 1 ? parseTransform(name) : { transform: 'unknown', name },
  }
}

function sourceToJson({ sourceId, sourceIds }: Source): Record<string, unknown> {
  return {
    ...((sourceIds === undefined || sourceIds.length === 1) && { 'source-id': sourceId }),
    ...(sourceIds && { 'source-ids': sourceIds }),
  }
}

export function partitionSpecToJson(spec: PartitionSpec): Record<string, unknown> {
  return { 'spec-id': spec.specId, fields: spec.fields.map(partitionFieldToJson), ...spec.unknown }
}

export function partitionFieldToJson(field: PartitionField): Record<string, unknown> {
  return {
    name: field.name,
    transform: transformName(field.transform),
    ...sourceToJson(field),
    'field-id': field.fieldId,
    ...field.unknown,
  }
}

export function parseSortOrder(value: unknown, at: At): SortOrder {
  const json = asObject(value, at)
  const unknown = unknownFields(json, ORDER_KEYS)
  const fieldsAt = atKey(at, 'fields')
  return {
    orderId: idField(json, 'order-id', at),
    fields: asArray(json.fields, fieldsAt).map((field, index) => parseSortField(field, atIndex(fieldsAt, index))),
    ...(unknown && { unknown }),
  }
}

function parseSortField(value: unknown, at: At): SortField {
  const json = asObject(value, at)
  const unknown = unknownFields(json, SORT_FIELD_KEYS)
  const { direction } = json
  const nullOrder = json['null-order']
  if (direction !== 'asc' && direction !== 'desc') return wrong(atKey(at, 'direction'), direction, "'asc' or 'desc'")
  if (nullOrder !== 'nulls-first' && nullOrder !== 'nulls-last')
    return wrong(atKey(at, 'null-order'), nullOrder, "'nulls-first' or 'nulls-last'")
  return { ...parseSource(json, at), direction, nullOrder, ...(unknown && { unknown }) }
}

export function sortOrderToJson(order: SortOrder): Record<string, unknown> {
  return { 'order-id': order.orderId, fields: order.fields.map(sortFieldToJson), ...order.unknown }
}

function sortFieldToJson(field: SortField): Record<string, unknown> {
  return {
    transform: transformName(field.transform),
    ...sourceToJson(field),
    direction: field.direction,
    'null-order': field.nullOrder,
    ...field.unknown,
  }
}
