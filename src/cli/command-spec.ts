/** How a command is described: what help, completion and the parser are made from, without loading what it does. */
import type { Session } from './session.ts'

export interface OptionSpec {
  /** As commander reads them: `-y, --yes`, `--limit <n>`, `--partition <field...>`. */
  readonly flags: string
  readonly help: string
  readonly choices?: readonly string[]
  /** May be given several times; the values are collected. */
  readonly repeat?: true
  /** `count`: an integer above 0; `number`: any number above 0. */
  readonly type?: 'count' | 'number'
}

export interface ArgumentSpec {
  /** `<location>`, `[files...]` */
  readonly name: string
  readonly help: string
  readonly choices?: readonly string[]
}

export interface Example {
  readonly does: string
  readonly line: string
}

/** What a command is given: positional arguments in their order, and its options by their long names in camelCase. */
export interface CommandCall<Options = object> {
  readonly session: Session
  readonly args: readonly string[]
  readonly options: Options
}

/** Resolves to the exit code; undefined is 0. */
// oxlint-disable-next-line typescript/no-invalid-void-type -- most commands return nothing
export type RunCommand = (call: CommandCall<never>) => Promise<number | void>

export interface CommandSpec {
  readonly name: string
  readonly summary: string
  readonly arguments: readonly ArgumentSpec[]
  readonly options: readonly OptionSpec[]
  readonly examples: readonly Example[]
  /** More to know, below the options. */
  readonly more?: string
  /** Whether it takes the options that say how to reach S3. */
  readonly opensTables: boolean
  readonly load: () => Promise<{ readonly run: RunCommand }>
}
