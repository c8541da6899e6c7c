/** The commands that look: scan, log, schema, files, doctor, verify, completion. */
import type { CommandSpec, OptionSpec } from './command-spec.ts'
import { LOCATION, OUTPUT_FORMAT_NAMES } from './shared-options.ts'

const AS_OF_OPTIONS: readonly OptionSpec[] = [
  { flags: '--as-of <time>', help: 'the table as it was then: 2026-01-31, 2026-01-31T12:00:00Z' },
  { flags: '--nearest', help: 'with --as-of: take the snapshot before where history was thinned out' },
  { flags: '--snapshot <id>', help: 'the table as of this snapshot' },
  { flags: '--ref <name>', help: 'the table as of this tag or branch' },
]

export const READ_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'scan',
    summary: 'print rows',
    arguments: [LOCATION],
    options: [
      { flags: '-s, --select <columns>', help: 'columns, separated by commas; dots reach into structs', repeat: true },
      { flags: '-w, --where <condition>', help: `such as "kind = 'push' and at >= '2026-01-01'"` },
      { flags: '-n, --limit <n>', help: 'at most so many rows', type: 'count' },
      ...AS_OF_OPTIONS,
      { flags: '--since <id>', help: 'only rows appended after this snapshot' },
      { flags: '--count', help: 'only how many rows there are' },
      {
        flags: '-f, --format <format>',
        help: 'default: table, or by the extension of --output',
        choices: OUTPUT_FORMAT_NAMES,
      },
      { flags: '-o, --output <file>', help: 'write into this file instead of stdout' },
      {
        flags: '--timestamps <how>',
        help: 'timestamps as ISO 8601 text (default) or as microseconds',
        choices: ['iso', 'micros'],
      },
      { flags: '--null <text>', help: 'what stands for null in CSV (default nothing)' },
    ],
    examples: [
      { does: 'the first rows', line: 'datashard scan ./events --limit 10' },
      {
        does: 'some of them',
        line: `datashard scan ./events --where "kind = 'push' and at >= '2026-01-01'" --select id,at`,
      },
      { does: 'yesterday, as CSV', line: 'datashard scan s3://b/events --as-of 2026-01-30 --output events.csv' },
      { does: 'into another program', line: "datashard scan ./events --json | jq -r '.id'" },
    ],
    more: `--json is --format ndjson. Integers beyond 2^53 are strings in JSON, so are decimals; binary is base64; maps are arrays of
entries. \`datashard append\` reads all of it back exactly; for CSV with empty texts, give both the same --null.`,
    opensTables: true,
    load: () => import('./scan.ts'),
  },
  {
    name: 'log',
    summary: 'list the snapshots, newest first',
    arguments: [LOCATION],
    options: [{ flags: '-n, --limit <n>', help: 'at most so many', type: 'count' }],
    examples: [{ does: 'the last ten commits of rows', line: 'datashard log ./events --limit 10' }],
    opensTables: true,
    load: () => import('./log.ts'),
  },
  {
    name: 'schema',
    summary: 'print columns, partitioning and sort order',
    arguments: [LOCATION],
    options: [
      { flags: '--id <n>', help: 'an earlier schema, by its id' },
      { flags: '--text', help: 'as text that `create --schema` reads' },
    ],
    examples: [
      { does: 'the columns', line: 'datashard schema ./events' },
      {
        does: 'another table like it',
        line: 'datashard schema ./events --json > event.json && datashard create ./more --schema event.json',
      },
    ],
    more: "With --json: the schema in Iceberg's JSON.",
    opensTables: true,
    load: () => import('./schema.ts'),
  },
  {
    name: 'files',
    summary: 'list the data files',
    arguments: [LOCATION],
    options: AS_OF_OPTIONS,
    examples: [{ does: 'the largest files', line: "datashard files ./events --json | jq -s 'sort_by(-.bytes)[:5]'" }],
    opensTables: true,
    load: () => import('./files.ts'),
  },
  {
    name: 'doctor',
    summary: 'check a location: rights, conditional creates, clock, versions',
    arguments: [LOCATION],
    options: [],
    examples: [
      { does: 'before the first table in a bucket', line: 'datashard doctor s3://analytics/prod' },
      { does: 'in a pipeline', line: 'datashard doctor ./events --json' },
    ],
    more: 'Writes a few small objects under metadata/_ds/doctor-… and deletes them. Exit code 5 if there is a problem.',
    opensTables: true,
    load: () => import('./doctor.ts'),
  },
  {
    name: 'verify',
    summary: 'check that everything a table names is there and whole',
    arguments: [LOCATION],
    options: [
      { flags: '--deep', help: 'read every data file, count its rows, compare counts and bounds' },
      { flags: '--snapshot <id>', help: 'this snapshot instead of the current one' },
      { flags: '--all', help: 'all snapshots that the table keeps' },
    ],
    examples: [
      { does: 'metadata, manifests and sizes of files', line: 'datashard verify ./events' },
      { does: 'every byte', line: 'datashard verify ./events --all --deep' },
    ],
    more: 'Exit code 5 if anything is missing or damaged.',
    opensTables: true,
    load: () => import('./verify.ts'),
  },
  {
    name: 'completion',
    summary: 'print a completion script for a shell',
    arguments: [{ name: '<shell>', help: 'which shell', choices: ['bash', 'zsh', 'fish'] }],
    options: [],
    examples: [
      { does: 'bash, in ~/.bashrc', line: 'source <(datashard completion bash)' },
      { does: 'zsh, in ~/.zshrc', line: 'source <(datashard completion zsh)' },
      { does: 'fish', line: 'datashard completion fish > ~/.config/fish/completions/datashard.fish' },
    ],
    opensTables: false,
    load: () => import('./completion.ts'),
  },
]
