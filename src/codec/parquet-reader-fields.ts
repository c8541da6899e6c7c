/**
 * Which column of a file is which column of the table (spec: "Column Projection"): by field id, which survives renames;
 * by the table's name mapping for files that have no ids; and what stands in for a column that a file has not.
 */
import { corrupt, DataShardError } from '../errors.ts'
import type { ErrorCode } from '../errors.ts'
import type { MappedField, NameMapping } from '../spec/name-mapping.ts'
import { NAME_MAPPING_PROPERTY } from '../spec/name-mapping.ts'
import { parseLiteral } from '../spec/values.ts'
import type { Field, Type, Value } from '../spec/types.ts'
import { childFields } from '../spec/schema.ts'
import type { ParquetNode } from './parquet-footer-schema.ts'
import type { Shape } from './parquet-reader-shape.ts'
import { shapesOf } from './parquet-reader-shape.ts'
import { describeShape, misfit } from './parquet-reader-types.ts'

/** How one field of the result comes about. */
export type FieldSource =
  /** Every row has this value (null: none). */
  | { readonly kind: 'constant'; readonly field: Field; readonly value: Value | null }
  /** Read from `shape`, its children likewise: of a struct in the order of the table. */
  | { readonly kind: 'stored'; readonly field: Field; readonly shape: Shape; readonly children: readonly FieldSource[] }

export interface SourceOptions {
  /** For files without field ids. */
  readonly nameMapping?: NameMapping | undefined
  /** Values of identity partition fields, by the id of their source column. */
  readonly partitionValues?: ReadonlyMap<number, Value | null> | undefined
  /** Names the file in errors. */
  readonly where: string
  /** What a file that does not fit is: `corrupt` in a table (default), `invalid-argument` where it is about to enter one. */
  readonly code?: ErrorCode
}

/** What `details.feature` of an error says where there is nothing to tell the columns of a file by. */
export const FILES_WITHOUT_IDS = 'data files without field ids or a name mapping'

/**
 * Where each field is in a file.
 *
 * @throws `corrupt` if a column has a type that the table's cannot be read from, or if a required column is missing;
 *   `unsupported` if there is nothing to tell the columns by.
 */
export function sourcesOf(fields: readonly Field[], root: ParquetNode, options: SourceOptions): readonly FieldSource[] {
  const byId = hasFieldIds(root)
  if (!byId && options.nameMapping === undefined && fields.length > 0 && root.children.length > 0) {
    throw new DataShardError(
      options.code ?? 'unsupported',
      `${options.where} has no field ids, and the table no name mapping that says which column is which; ` +
        `set the table property ${NAME_MAPPING_PROPERTY}`,
      { details: { feature: FILES_WITHOUT_IDS } },
    )
  }
  const find: Finder = byId
    ? (field, shapes) => shapes.find((shape) => shape.node.fieldId === field.id)
    : finderByName(options.nameMapping ?? [])
  return fields.map((field) => sourceOf(field, shapesOf(root), find, options, field.name))
}

function fault(options: SourceOptions, message: string): never {
  throw new DataShardError(options.code ?? 'corrupt', message)
}

/** Whether any field of the schema has an id: then all that matter have. */
export function hasFieldIds(node: ParquetNode): boolean {
  return node.fieldId !== undefined || node.children.some(hasFieldIds)
}

type Finder = (field: Field, among: readonly Shape[]) => Shape | undefined

/** By the names that the mapping gives a field, wherever in the mapping its id stands. */
function finderByName(mapping: NameMapping): Finder {
  const names = new Map<number, readonly string[]>()
  const collect = (fields: readonly MappedField[]): void => {
    for (const field of fields) {
      if (field.fieldId !== undefined) names.set(field.fieldId, field.names)
      collect(field.fields)
    }
  }
  collect(mapping)
  return (field, shapes) => {
    const known = names.get(field.id)
    return known && shapes.find((shape) => known.includes(shape.node.name))
  }
}

function sourceOf(
  field: Field,
  shapes: readonly Shape[],
  find: Finder,
  options: SourceOptions,
  name: string,
): FieldSource {
  const shape = find(field, shapes)
  if (shape === undefined) return absent(field, options, name)
  return stored(field, shape, find, options, name)
}

function stored(field: Field, shape: Shape, find: Finder, options: SourceOptions, name: string): FieldSource {
  const { type } = field
  const kind = isNested(type) ? type.type : 'primitive'
  if (kind !== shape.kind) {
    return fault(
      options,
      `column '${name}' of ${options.where} is ${describeShape(shape)}, the table expects ${type.type}`,
    )
  }
  if (kind === 'primitive') {
    const why = misfit(shape.node, type)
    if (why !== undefined) return fault(options, `column '${name}' of ${options.where} does not fit the table: ${why}`)
    return { kind: 'stored', field, shape, children: [] }
  }
  const children = childFields(type).map((child, i) =>
    kind === 'struct'
      ? sourceOf(child, shape.children, find, options, `${name}.${child.name}`)
      : // Elements, keys and values are what they are by their place: many writers give them no ids.
        stored(child, shape.children[i]!, find, options, `${name}.${child.name}`),
  )
  return { kind: 'stored', field, shape, children }
}

function isNested(type: Type): boolean {
  return type.type === 'struct' || type.type === 'list' || type.type === 'map'
}

function absent(field: Field, options: SourceOptions, name: string): FieldSource {
  const partition = options.partitionValues?.get(field.id)
  if (partition !== undefined) return { kind: 'constant', field, value: partition }
  if (field.initialDefault !== undefined && field.initialDefault !== null) {
    return { kind: 'constant', field, value: initialDefault(field, options, name) }
  }
  if (field.required) {
    return fault(options, `${options.where} has no column '${name}' (field id ${field.id}), which the table requires`)
  }
  return { kind: 'constant', field, value: null }
}

/** A default as the spec's JSON (appendix D, "JSON single-value serialization"): as users write values, bytes as hex. */
function initialDefault(field: Field, options: SourceOptions, name: string): Value {
  const { type, initialDefault: json } = field
  const what = `the initial default of column '${name}'`
  if ((type.type === 'binary' || type.type === 'fixed') && typeof json === 'string') {
    return Uint8Array.from(json.match(/../g) ?? [], (hex) => Number.parseInt(hex, 16))
  }
  try {
    return parseLiteral(type, json, what)
  } catch (error) {
    if (!DataShardError.is(error)) throw error
    return corrupt(`${options.where} cannot be read: ${error.message}`, undefined, error)
  }
}

/**
 * The columns that must be read. A struct of which nothing is stored but which may itself be null lends one of its
 * columns, to know where it is.
 */
export function leavesToRead(sources: readonly FieldSource[]): ReadonlySet<number> {
  const leaves = new Set<number>()
  const visit = (source: FieldSource): boolean => {
    if (source.kind === 'constant') return false
    const { shape, children } = source
    if (shape.kind === 'primitive') {
      leaves.add(shape.node.leaf)
      return true
    }
    const any = children.map(visit).includes(true)
    if (!any) leaves.add(firstLeaf(shape))
    return true
  }
  sources.forEach(visit)
  return leaves
}

function firstLeaf(shape: Shape): number {
  let node = shape.node
  while (node.leaf < 0 && node.children.length > 0) node = node.children[0]!
  return node.leaf
}
