/** From arguments to an exit code: parses them with commander, loads the one command that is asked for, and runs it. */
import { setMaxListeners } from 'node:events'
import { readFileSync } from 'node:fs'
import { Argument, Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { DataShardError } from '../errors.ts'
import { type Runtime, systemRuntime } from '../runtime.ts'
import type { CommandSpec, OptionSpec } from './command-spec.ts'
import { COMMANDS } from './commands.ts'
import { EXIT, exitCodeOf } from './exit-code.ts'
import { isBrokenPipe } from './output/sink.ts'
import { errorReport } from './report-error.ts'
import { COMMON_OPTIONS, STORE_OPTIONS } from './shared-options.ts'
import type { CommonOptions, Io } from './session.ts'

const DESCRIPTION = `Append to one real Apache Iceberg table from many writers, on S3 or a directory. No server, no lock.`

const EPILOGUE = `
Examples:
  datashard demo
  datashard append ./flights flights.csv --create --infer
  datashard scan ./flights --where "delay > 60" --limit 10

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 conflict or interrupted, 4 unknown outcome, 5 a check found problems.
DATASHARD_DEBUG=1 adds stack traces to errors.`

export interface RunOptions {
  readonly io: Io
  /** Fires when the user interrupts. */
  readonly signal: AbortSignal
  readonly runtime?: Runtime
}

/** Runs the program on these arguments (those after the program's name). Never throws. */
export async function runProgram(argv: readonly string[], options: RunOptions): Promise<number> {
  const { io } = options
  // Every request in flight listens to it.
  setMaxListeners(0, options.signal)
  const style = { json: argv.includes('--json'), debug: isDebug(io.env) }
  let code: number = EXIT.ok
  const program = buildProgram(io, async (spec, args, parsed) => {
    const { run } = await spec.load()
    const session = { io, runtime: options.runtime ?? systemRuntime, signal: options.signal, options: parsed }
    code = (await run({ session, args, options: parsed as never })) ?? EXIT.ok
  })
  try {
    await program.parseAsync(argv, { from: 'user' })
    return code
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return EXIT.ok
      if (error.code !== 'commander.help') io.stderr.write(errorReport(usageError(error, argv), style))
      return EXIT.usage
    }
    // Nobody reads what would still come: that is how `| head` ends.
    if (isBrokenPipe(error) || isBrokenPipe(options.signal.reason)) return EXIT.ok
    io.stderr.write(errorReport(error, style))
    return exitCodeOf(error)
  }
}

/** Whether stack traces are wanted. */
export function isDebug(env: Io['env']): boolean {
  const value = env['DATASHARD_DEBUG']
  return value !== undefined && value !== '' && value !== '0'
}

/** Commander's complaint, and where to read more. */
function usageError(error: CommanderError, argv: readonly string[]): DataShardError {
  const said = error.message.replace(/^error: /, '').replace(/\n\((Did you mean .*\?)\)$/, '; $1')
  const command = COMMANDS.find((spec) => spec.name === argv.find((arg) => !arg.startsWith('-')))
  const help = command === undefined ? 'datashard --help' : `datashard ${command.name} --help`
  return new DataShardError('invalid-argument', `${said}\nSee '${help}'.`)
}

type Action = (spec: CommandSpec, args: readonly string[], options: CommonOptions) => Promise<void>

function buildProgram(io: Io, action: Action): Command {
  const program = new Command('datashard')
  program
    .description(DESCRIPTION)
    .version(packageVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .helpCommand('help [command]', 'print help for a command')
    .addHelpText('after', EPILOGUE)
    .showSuggestionAfterError(true)
    // What every command has need not be said for each.
    .configureHelp({
      subcommandTerm: (command) => [command.name(), ...command.registeredArguments.map(argumentTerm)].join(' '),
    })
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(text),
      // Errors are reported in one place, by `errorReport`.
      outputError: () => {},
      getOutHelpWidth: () => io.stdout.columns ?? 100,
      getErrHelpWidth: () => io.stderr.columns ?? 100,
    })
    .exitOverride()
  for (const spec of COMMANDS) addCommand(program, spec, action)
  return program
}

function argumentTerm(argument: Argument): string {
  const name = argument.name() + (argument.variadic ? '...' : '')
  return argument.required ? `<${name}>` : `[${name}]`
}

function addCommand(program: Command, spec: CommandSpec, action: Action): void {
  const command = program.command(spec.name)
  command.description(spec.summary).helpOption('-h, --help', 'print this help')
  for (const argument of spec.arguments) {
    const declared = new Argument(argument.name, argument.help)
    if (argument.choices !== undefined) declared.choices([...argument.choices])
    command.addArgument(declared)
  }
  for (const option of spec.options) command.addOption(toOption(option))
  const stores = spec.opensTables ? STORE_OPTIONS : []
  for (const option of stores) command.addOption(toOption(option).helpGroup('Store options:'))
  for (const option of COMMON_OPTIONS) command.addOption(toOption(option).helpGroup('Common options:'))
  command.addHelpText('after', helpAfter(spec))
  command.action(async (...given: unknown[]) => {
    const args = given
      .slice(0, spec.arguments.length)
      .flat()
      .filter((arg) => arg !== undefined)
    await action(spec, args as string[], command.opts<CommonOptions>())
  })
}

function toOption(spec: OptionSpec): Option {
  const option = new Option(spec.flags, spec.help)
  if (spec.choices !== undefined) option.choices([...spec.choices])
  const { repeat, type } = spec
  if (repeat) option.argParser((value: string, before: readonly string[] | undefined) => [...(before ?? []), value])
  else if (type !== undefined) option.argParser((value: string) => parseNumber(value, type))
  return option
}

function parseNumber(text: string, type: 'count' | 'number'): number {
  const value = text.trim() === '' ? Number.NaN : Number(text.replaceAll('_', ''))
  if (value > 0 && Number.isFinite(value) && (type === 'number' || Number.isSafeInteger(value))) return value
  throw new InvalidArgumentError(
    type === 'count' ? 'It must be a whole number above 0.' : 'It must be a number above 0.',
  )
}

function helpAfter(spec: CommandSpec): string {
  const examples = spec.examples.map(({ does, line }) => `  # ${does}\n  ${line}`).join('\n\n')
  return `\n${spec.more === undefined ? '' : `${spec.more}\n\n`}Examples:\n${examples}`
}

function packageVersion(): string {
  // The same two steps up from src/cli and from dist/cli.
  const file = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(file) as { version: string }).version
}
