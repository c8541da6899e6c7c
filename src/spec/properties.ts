/** Table properties that DataShard reads, their defaults, and those that nobody may set (Iceberg docs: "Configuration"). */
import { checkRoom } from './metadata-limits.ts'
import { invalid, unsupported } from '../errors.ts'
import { describeValue } from './describe.ts'
import { isObject } from './json-reader.ts'
import type { TableMetadata } from './metadata.ts'
import { integerProperty } from './properties-read.ts'
import { retentionPolicy } from './retention-policy.ts'

type Properties = Readonly<Record<string, string>>

/** Kept by the commit protocol; `setProperties` refuses them. */
const RESERVED = ['datashard.ledger', 'datashard.probe']

/** Names that the Iceberg spec reserves for the metadata's own fields. */
const SPEC_RESERVED = [
  'format-version',
  'uuid',
  'snapshot-count',
  'current-snapshot-summary',
  'current-snapshot-id',
  'current-snapshot-timestamp-ms',
  'current-schema',
  'default-partition-spec',
  'default-sort-order',
]

/** Entries of the metadata log that a commit keeps: `write.metadata.previous-versions-max`, default 100. */
export function previousVersionsMax(properties: Properties): number {
  return integerProperty(properties, 'write.metadata.previous-versions-max', 100, 1)
}

/** `commit.manifest.target-size-bytes`; undefined if it is not set. */
export function manifestTargetBytes(properties: Properties): number | undefined {
  const name = 'commit.manifest.target-size-bytes'
  return properties[name] === undefined ? undefined : integerProperty(properties, name, 0, 1024)
}

/** Refuses properties that are not a map of strings, that only the protocol may write, or that say nothing it knows. */
export function checkProperties(properties: Properties): void {
  // A Map is an object too, but one without names.
  if (!isObject(properties) || properties instanceof Map) {
    invalid(`table properties are an object of names and texts; found ${describeValue(properties)}`)
  }
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value !== 'string') {
      invalid(
        `table property '${name}' is ${typeof value}; the Iceberg spec allows only strings: use '${String(value)}'`,
      )
    }
    if (name === '') invalid('a table property needs a name')
    checkPropertyName(name)
  }
  retentionPolicy(properties)
  previousVersionsMax(properties)
  manifestTargetBytes(properties)
  refuseUnsafe(properties)
}

export function checkPropertyName(name: string): void {
  if (RESERVED.includes(name)) invalid(`table property '${name}' belongs to the commit protocol and cannot be changed`)
  if (SPEC_RESERVED.includes(name)) invalid(`table property '${name}' is reserved by the Iceberg spec`)
}

/**
 * Refuses to write to a table whose settings would break the chain of versions for somebody.
 * - compressed metadata: Java then writes `v{N}.gz.metadata.json` beside our `v{N}.metadata.json`, and both exist;
 * - deletion of old versions at commit: a number that was deleted could be created again.
 */
export function checkWritable(metadata: TableMetadata, where: string): void {
  if (metadata.formatVersion === 1) {
    unsupported(`${where} is an Iceberg table of format v1; upgrade it to v2 to append (reading works)`)
  }
  if (metadata.formatVersion === 3) {
    unsupported(`${where} is an Iceberg table of format v3, which this version cannot append to (reading works)`)
  }
  refuseUnsafe(metadata.properties)
  checkRoom(metadata, where)
}

function refuseUnsafe(properties: Properties): void {
  // Java reads both whatever their case.
  const codec = properties['write.metadata.compression-codec'] ?? 'none'
  if (codec.toLowerCase() !== 'none') {
    unsupported(
      `table property 'write.metadata.compression-codec' is '${codec}': engines would write versions under two names ` +
        `and the table could fork; set it to 'none'`,
    )
  }
  if (properties['write.metadata.delete-after-commit.enabled']?.toLowerCase() === 'true') {
    unsupported(
      `table property 'write.metadata.delete-after-commit.enabled' is 'true': a deleted version number could be ` +
        `created again by a writer that slept; set it to 'false'`,
    )
  }
}
