/** User metadata of objects, which travels as HTTP headers. */
import { invalid } from '../errors.ts'

/** S3's limit for all names and values together. */
const MAX_METADATA_BYTES = 2_048

/** Refuses names that are not lower-case ASCII, values that are not printable ASCII, and more than 2 KiB of both. */
export function checkMetadata(metadata: Readonly<Record<string, string>> | undefined): void {
  let bytes = 0
  for (const [name, value] of Object.entries(metadata ?? {})) {
    if (!/^[a-z0-9][a-z0-9-]*$/.test(name)) {
      invalid(`found ${JSON.stringify(name)} as a name of user metadata, expected lower-case letters, digits and '-'`)
    }
    if (!/^[\x20-\x7e]*$/.test(value) || value !== value.trim()) {
      invalid(
        `user metadata '${name}' is ${JSON.stringify(value)}, expected printable ASCII without blanks at its ends`,
      )
    }
    bytes += name.length + value.length
  }
  if (bytes > MAX_METADATA_BYTES)
    invalid(`user metadata of ${bytes} bytes, at most ${MAX_METADATA_BYTES} are kept by S3`)
}
