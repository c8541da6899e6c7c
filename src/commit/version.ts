/**
 * How versions are named: `metadata/v{N}.metadata.json` without gaps, and `metadata/version-hint.text` beside them (the
 * layout of Iceberg's file-system tables). No other file knows these names.
 */

export const HINT_NAME = 'metadata/version-hint.text'

/** `gzip`: only ever read (Java writes it when the table's metadata is compressed). */
export type VersionForm = 'plain' | 'gzip'

export interface VersionName {
  readonly version: number
  readonly form: VersionForm
}

export function versionName(version: number, form: VersionForm = 'plain'): string {
  return form === 'plain' ? `metadata/v${version}.metadata.json` : `metadata/v${version}.gz.metadata.json`
}

/** The version that a name under the table stands for, or undefined. */
export function parseVersionName(name: string): VersionName | undefined {
  const match = /^metadata\/v(0|[1-9]\d{0,14})(\.gz)?\.metadata\.json$/.exec(name)
  if (!match) return undefined
  return { version: Number(match[1]), form: match[2] ? 'gzip' : 'plain' }
}

/** Whether a location is one metadata file rather than a table's folder. */
export function isMetadataFile(location: string): boolean {
  // Callers without types hand in anything; what it is then, is said where locations are read.
  return typeof location === 'string' && /\.metadata\.json(?:\.gz)?$/.test(location)
}

export function parseHint(bytes: Uint8Array): number | undefined {
  const text = new TextDecoder().decode(bytes).trim()
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined
}

export function encodeHint(version: number): Uint8Array {
  return new TextEncoder().encode(String(version))
}
