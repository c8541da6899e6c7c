/** Options that several commands take. */
import type { ArgumentSpec, OptionSpec } from './command-spec.ts'

export const LOCATION: ArgumentSpec = {
  name: '<location>',
  help: 'directory, file:// URL or s3://bucket/prefix of the table',
}

export { INPUT_FORMATS as INPUT_FORMAT_NAMES } from '../input/format.ts'
export const OUTPUT_FORMAT_NAMES = ['table', 'ndjson', 'json', 'csv', 'tsv', 'parquet', 'arrow'] as const

export const CSV_OPTIONS: readonly OptionSpec[] = [
  { flags: '--delimiter <character>', help: 'between the fields of CSV (default a comma)' },
  { flags: '--null <text>', help: 'what stands for null in CSV (default nothing)' },
]

/** Taken by every command. */
export const COMMON_OPTIONS: readonly OptionSpec[] = [
  { flags: '--json', help: 'for machines: JSON on stdout, errors as JSON on stderr' },
  { flags: '-q, --quiet', help: 'no progress and no notes on stderr' },
]

/** Taken by every command that opens tables. */
export const STORE_OPTIONS: readonly OptionSpec[] = [
  { flags: '--endpoint <url>', help: 'S3 endpoint, as of MinIO (default: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL)' },
  { flags: '--region <name>', help: 'S3 region (default: AWS_REGION, or the profile)' },
  { flags: '--profile <name>', help: 'AWS profile (default: AWS_PROFILE)' },
  { flags: '--path-style', help: 'the bucket in the path, not in the host; implied by a custom endpoint' },
  { flags: '--trace', help: 'print each request to the store on stderr' },
]
