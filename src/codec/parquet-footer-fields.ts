/** Fields of a footer by their Thrift ids, of the type that they must have. */
import type { ThriftList, ThriftStruct } from './parquet-writer-thrift.ts'

/** Something in a footer does not fit; becomes `corrupt` with the name of the file. */
export class FooterFault extends Error {}

/** The structs of a list field; empty if it is absent. */
export function structs(parent: ThriftStruct, field: number): readonly ThriftStruct[] {
  const value = parent.get(field)?.value
  if (value === undefined) return []
  const items = (value as Partial<ThriftList>).items
  if (!Array.isArray(items) || !items.every((item) => item instanceof Map)) {
    throw new FooterFault(`field ${field} is no list of structs`)
  }
  return items as ThriftStruct[]
}

/** The integer of a field, or undefined. */
export function integer(parent: ThriftStruct, field: number): bigint | undefined {
  const value = parent.get(field)?.value
  return typeof value === 'bigint' ? value : undefined
}

/** The text of a field, or undefined. */
export function text(parent: ThriftStruct, field: number): string | undefined {
  const value = parent.get(field)?.value
  return value instanceof Uint8Array ? new TextDecoder().decode(value) : undefined
}
