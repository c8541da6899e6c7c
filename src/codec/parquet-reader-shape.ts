/**
 * What the groups of a Parquet schema mean: structs, lists and maps in the ways that writers have spelt them over the
 * years (parquet-format, `LogicalTypes.md`, "Nested Types", with its rules for old files). The rules are those of
 * parquet-rs, which decodes the columns: both must see the same lists.
 */
import type { ParquetNode } from './parquet-footer-schema.ts'

/** A node of a file as a value: the groups that only carry lists and maps are gone. */
export interface Shape {
  readonly kind: 'primitive' | 'struct' | 'list' | 'map'
  /** Whose name and field id the value has: the column, the field, the element, the key or the value. */
  readonly node: ParquetNode
  readonly nullable: boolean
  /** Fields; the element; key and value. */
  readonly children: readonly Shape[]
}

const shapes = new WeakMap<ParquetNode, readonly Shape[]>()

/** The columns of a file as values: the same objects for the same schema, so that they can be told apart. */
export function shapesOf(root: ParquetNode): readonly Shape[] {
  let found = shapes.get(root)
  if (found === undefined) shapes.set(root, (found = root.children.map(shapeOf)))
  return found
}

/** The value that a field of the schema holds. */
export function shapeOf(node: ParquetNode): Shape {
  // A repeated field that no list annotation explains is a list of its own, without nulls.
  if (node.repetition === 'repeated') {
    return { kind: 'list', node, nullable: false, children: [plain(node, false)] }
  }
  return plain(node, node.repetition === 'optional')
}

function plain(node: ParquetNode, nullable: boolean): Shape {
  if (node.leaf >= 0) return { kind: 'primitive', node, nullable, children: [] }
  const [only] = node.children
  const carrier = node.children.length === 1 && only!.repetition === 'repeated' ? only : undefined
  if (node.annotation?.kind === 'list' && carrier !== undefined) {
    return { kind: 'list', node, nullable, children: [elementOf(node, carrier)] }
  }
  if (node.annotation?.kind === 'map' && carrier?.children.length === 2) {
    const [key, value] = carrier.children
    return { kind: 'map', node, nullable, children: [plain(key!, false), shapeOf(value!)] }
  }
  return { kind: 'struct', node, nullable, children: node.children.map(shapeOf) }
}

/** Whether the repeated group of a list is the element, as in old files, or only carries it. */
function elementOf(list: ParquetNode, repeated: ParquetNode): Shape {
  if (isTwoLevel(list, repeated)) return plain(repeated, false)
  return shapeOf(repeated.children[0]!)
}

/** True for a list of two levels: `list (LIST) { repeated element }`. */
export function isTwoLevel(list: ParquetNode, repeated: ParquetNode): boolean {
  if (repeated.leaf >= 0 || repeated.children.length !== 1) return true
  return repeated.name === 'array' || repeated.name === `${list.name}_tuple`
}
