/** All commands, in the order of the help. */
import type { CommandSpec } from './command-spec.ts'
import { READ_COMMANDS } from './commands-read.ts'
import { SERVE_COMMANDS } from './commands-serve.ts'
import { WRITE_COMMANDS } from './commands-write.ts'

const ORDER = [
  'demo',
  'create',
  'append',
  'scan',
  'log',
  'schema',
  'files',
  'doctor',
  'verify',
  'delete',
  'sweep',
  'drop',
  'serve',
  'completion',
]

export const COMMANDS: readonly CommandSpec[] = [...WRITE_COMMANDS, ...READ_COMMANDS, ...SERVE_COMMANDS].sort(
  (a, b) => ORDER.indexOf(a.name) - ORDER.indexOf(b.name),
)
