/** The commands that change something: create, append, delete, sweep, drop, demo. */
import type { CommandSpec, OptionSpec } from './command-spec.ts'
import { CSV_OPTIONS, INPUT_FORMAT_NAMES, LOCATION } from './shared-options.ts'

const DESIGN_OPTIONS: readonly OptionSpec[] = [
  {
    flags: '--schema <file-or-text>',
    help: "a file with Iceberg's JSON schema, or columns: 'id long not null, at timestamptz'",
  },
  {
    flags: '--partition <field>',
    help: "partition field, such as 'day(at)', 'bucket(id, 16)', a column",
    repeat: true,
  },
  {
    flags: '--sort <field>',
    help: "order of rows in files, such as 'at', 'at desc', 'at asc nulls last'",
    repeat: true,
  },
  { flags: '--property <name=value>', help: 'table property', repeat: true },
  {
    flags: '--skip-probe',
    help: 'do not race conditional creates before a table is created at a store that is not AWS',
  },
]

const TYPES_TEXT = `Types: boolean int long float double decimal(p,s) date time timestamp timestamptz string uuid binary fixed(n)
       list<type> map<type, type> struct<name type, ...>; "not null" after a type makes a column required.`

const INFER_TEXT = `Inferred schemas have only optional columns, because a sample cannot promise that a value is always there. Integers
become long, other numbers double, texts in ISO 8601 date, timestamp or timestamptz, objects struct, arrays list.`

export const WRITE_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'create',
    summary: 'create a table',
    arguments: [LOCATION],
    options: [
      ...DESIGN_OPTIONS,
      { flags: '--infer <file>', help: 'take the schema from this file (NDJSON, JSON, CSV, Parquet, Arrow)' },
      { flags: '--sample <rows>', help: 'rows to infer from (default 10000)', type: 'count' },
      { flags: '--format <format>', help: 'format of the file to infer from', choices: INPUT_FORMAT_NAMES },
      ...CSV_OPTIONS,
      {
        flags: '--mixed-as-text',
        help: 'string columns take any JSON value, as its JSON text; --infer makes such columns',
      },
      { flags: '--if-not-exists', help: 'succeed when there is a table already, whatever its schema' },
      { flags: '--dry-run', help: 'print the schema and create nothing' },
    ],
    examples: [
      {
        does: 'a table in a directory',
        line: "datashard create ./events --schema 'id string not null, at timestamptz not null, amount decimal(12,2)'",
      },
      {
        does: 'partitioned by day, on S3',
        line: "datashard create s3://analytics/prod/events --schema event.json --partition 'day(at)'",
      },
      {
        does: 'look at the schema that a file would give',
        line: 'datashard create ./flights --infer flights.csv --dry-run',
      },
    ],
    more: `${TYPES_TEXT}\n\n${INFER_TEXT}`,
    opensTables: true,
    load: () => import('./create.ts'),
  },
  {
    name: 'append',
    summary: 'append rows from files or stdin, all of them or none',
    arguments: [LOCATION, { name: '[files...]', help: 'files to append; none, or "-", reads stdin' }],
    options: [
      {
        flags: '--format <format>',
        help: 'format of the input; default: by extension, then by content',
        choices: INPUT_FORMAT_NAMES,
      },
      ...CSV_OPTIONS,
      {
        flags: '--mixed-as-text',
        help: 'string columns take any JSON value, as its JSON text; --infer makes such columns',
      },
      {
        flags: '--timestamps <unit>',
        help: 'what bare numbers in timestamp columns count',
        choices: ['seconds', 'millis', 'micros'],
      },
      {
        flags: '--unknown-columns <what>',
        help: 'columns that the table does not have (default error)',
        choices: ['error', 'ignore'],
      },
      { flags: '--as-files', help: 'add Parquet files as they are instead of reading and writing their rows' },
      { flags: '--batch-rows <n>', help: 'commit after every n rows instead of once', type: 'count' },
      {
        flags: '--batch-seconds <s>',
        help: 'commit at least every s seconds while input keeps coming',
        type: 'number',
      },
      { flags: '--writer <name>', help: 'name of this writer, shown by `datashard log`' },
      { flags: '--timeout <seconds>', help: 'how long to go on against other writers (default 30)', type: 'number' },
      { flags: '--create', help: 'create the table if there is none; with --schema or --infer' },
      { flags: '--infer', help: 'with --create: infer the schema from the first rows' },
      { flags: '--sample <rows>', help: 'rows to infer from (default 10000)', type: 'count' },
      ...DESIGN_OPTIONS,
    ],
    examples: [
      {
        does: 'files of different formats in one commit',
        line: 'datashard append ./events monday.ndjson tuesday.csv.gz',
      },
      { does: 'from another program', line: "jq -c '.events[]' dump.json | datashard append ./events --format ndjson" },
      { does: 'a new table out of a CSV file', line: 'datashard append ./flights flights.csv --create --infer' },
      {
        does: 'a stream without an end, committed every 10 seconds',
        line: 'tail -F app.log | datashard append ./logs --format ndjson --batch-seconds 10',
      },
      { does: 'ready Parquet files', line: 'datashard append s3://b/t --as-files s3://b/staging/part-0.parquet' },
    ],
    more: `Formats: ndjson, json (an array, or objects one after the other), csv and tsv (with a header), parquet, arrow (file or
stream); gzip is unpacked. In CSV an empty field is null in an optional column; lists, maps and structs are JSON texts;
binary is base64.

${INFER_TEXT}`,
    opensTables: true,
    load: () => import('./append.ts'),
  },
  {
    name: 'delete',
    summary: 'delete the rows for which a condition is true',
    arguments: [LOCATION],
    options: [
      { flags: '-w, --where <condition>', help: `which rows, such as "kind = 'test'"; required` },
      { flags: '-y, --yes', help: 'do not ask' },
      { flags: '--timeout <seconds>', help: 'how long to go on against other writers (default 30)', type: 'number' },
    ],
    examples: [{ does: 'one row', line: `datashard delete ./events --where "id = 'x'" --yes` }],
    more: `Rows for which the condition is neither true nor false, because of a null, stay. Older snapshots keep the rows: they can be
read with \`datashard scan --snapshot\` until they are expired.`,
    opensTables: true,
    load: () => import('./delete.ts'),
  },
  {
    name: 'sweep',
    summary: 'delete old versions and files that no snapshot names',
    arguments: [LOCATION],
    options: [
      { flags: '--dry-run', help: 'delete nothing, only say what would be' },
      { flags: '-y, --yes', help: 'do not ask' },
    ],
    examples: [
      { does: 'what can go', line: 'datashard sweep ./events --dry-run' },
      { does: 'once a day, beside any writers', line: 'datashard sweep s3://analytics/prod/events --yes --json' },
    ],
    more: `Deleted are versions superseded a day ago, appends that were never taken in, idempotency keys after 14 days, and files
older than 3 days that no snapshot names, nor did a day ago. If any manifest cannot be read, nothing is. No append or
transaction may take longer than 3 days.`,
    opensTables: true,
    load: () => import('./sweep.ts'),
  },
  {
    name: 'drop',
    summary: 'drop a table and delete its files',
    arguments: [LOCATION],
    options: [
      { flags: '-y, --yes', help: 'do not ask' },
      { flags: '--if-exists', help: 'succeed when there is no table' },
    ],
    examples: [{ does: 'without a question', line: 'datashard drop ./events --yes' }],
    more: 'A small tombstone stays, so that a writer which slept through the drop cannot bring old rows into a later table.',
    opensTables: true,
    load: () => import('./drop.ts'),
  },
  {
    name: 'demo',
    summary: 'make a small table with several processes and look around in it',
    arguments: [{ name: '[directory]', help: 'where to make it (default ./datashard-demo)' }],
    options: [
      { flags: '--processes <n>', help: 'processes that append at once (default 4)', type: 'count' },
      { flags: '-y, --yes', help: 'replace the table of an earlier run' },
    ],
    examples: [{ does: 'four processes, one table', line: 'datashard demo' }],
    opensTables: false,
    load: () => import('./demo.ts'),
  },
]
