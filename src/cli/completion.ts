/** `datashard completion`: scripts that complete commands, options, choices and file names. */
import type { CommandCall, CommandSpec, OptionSpec } from './command-spec.ts'
import { COMMANDS } from './commands.ts'
import { write } from './session.ts'
import { COMMON_OPTIONS, STORE_OPTIONS } from './shared-options.ts'

export async function run({ session, args }: CommandCall): Promise<void> {
  const shell = args[0] as 'bash' | 'zsh' | 'fish'
  await write(session.io.stdout, completionScript(shell))
}

/** The script for a shell; what the parser knows is in it, so it never runs the program. */
export function completionScript(shell: 'bash' | 'zsh' | 'fish'): string {
  if (shell === 'bash') return bashScript()
  return shell === 'zsh' ? zshScript() : fishScript()
}

function optionsOf(spec: CommandSpec): readonly OptionSpec[] {
  return [...spec.options, ...(spec.opensTables ? STORE_OPTIONS : []), ...COMMON_OPTIONS]
}

interface Flag {
  readonly long: string
  readonly short: string | undefined
  readonly takesValue: boolean
}

function flagOf(option: OptionSpec): Flag {
  return {
    long: /--[\w-]+/.exec(option.flags)![0],
    short: /^-(\w)\b/.exec(option.flags)?.[1],
    takesValue: option.flags.includes('<'),
  }
}

const commandNames = () => COMMANDS.map((spec) => spec.name)

function bashScript(): string {
  const words = COMMANDS.map((spec) => {
    const flags = [...optionsOf(spec).map((option) => flagOf(option).long), '--help']
    const choices = spec.arguments.flatMap((argument) => argument.choices ?? [])
    return `    ${spec.name}) words="${[...choices, ...flags].join(' ')}" ;;`
  })
  const values = COMMANDS.flatMap((spec) =>
    optionsOf(spec)
      .filter((option) => option.choices !== undefined)
      .map(
        (option) =>
          `    ${spec.name}:${flagOf(option).long}) COMPREPLY=($(compgen -W "${option.choices!.join(' ')}" -- "$cur")); return ;;`,
      ),
  )
  return `# bash completion for datashard; load it with: source <(datashard completion bash)
_datashard() {
  local cur prev command words
  cur="\${COMP_WORDS[COMP_CWORD]}"
  prev="\${COMP_WORDS[COMP_CWORD-1]}"
  command="\${COMP_WORDS[1]}"
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${commandNames().join(' ')} help --help --version" -- "$cur"))
    return
  fi
  case "$command:$prev" in
${values.join('\n')}
  esac
  case "$command" in
    help) words="${commandNames().join(' ')}" ;;
${words.join('\n')}
    *) words="" ;;
  esac
  case "$cur" in
    -*) COMPREPLY=($(compgen -W "$words" -- "$cur")) ;;
    *) COMPREPLY=($(compgen -W "\${words//--[a-z-]*/}" -- "$cur") $(compgen -f -- "$cur")) ;;
  esac
}
complete -o filenames -o bashdefault -F _datashard datashard
`
}

/** For texts between brackets and colons in single quotes. */
function zshQuote(text: string): string {
  return text.replaceAll("'", "'\\''").replaceAll('[', '\\[').replaceAll(']', '\\]').replaceAll(':', '\\:')
}

function zshScript(): string {
  const describe = COMMANDS.map((spec) => `    '${spec.name}:${zshQuote(spec.summary)}'`)
  const cases = COMMANDS.map((spec) => {
    const options = optionsOf(spec).flatMap((option) => {
      const flag = flagOf(option)
      const value = !flag.takesValue ? '' : option.choices ? `:value:(${option.choices.join(' ')})` : ':value:_files'
      const many = option.repeat ? '*' : ''
      const names = [flag.long, ...(flag.short === undefined ? [] : [`-${flag.short}`])]
      return names.map((name) => `        '${many}${name}[${zshQuote(option.help)}]${value}' \\`)
    })
    const positional = spec.arguments.map((argument) =>
      argument.choices
        ? `        ':${argument.help}:(${argument.choices.join(' ')})' \\`
        : `        '*:file:_files' \\`,
    )
    return `      ${spec.name})\n        _arguments \\\n${[...options, ...positional.slice(0, 1)].join('\n')}\n          && return ;;`
  })
  return `#compdef datashard
# zsh completion for datashard; load it with: source <(datashard completion zsh)
_datashard() {
  local -a commands
  commands=(
${describe.join('\n')}
    'help:print help for a command'
  )
  if (( CURRENT == 2 )); then
    _describe 'command' commands
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
${cases.join('\n')}
      help) _describe 'command' commands ;;
  esac
}
compdef _datashard datashard
`
}

function fishQuote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}

function fishScript(): string {
  const lines = [
    '# fish completion for datashard',
    'complete -c datashard -n __fish_use_subcommand -f -a help -d "print help for a command"',
  ]
  for (const spec of COMMANDS) {
    lines.push(`complete -c datashard -n __fish_use_subcommand -f -a ${spec.name} -d ${fishQuote(spec.summary)}`)
    const when = `-n '__fish_seen_subcommand_from ${spec.name}'`
    for (const argument of spec.arguments) {
      if (argument.choices) lines.push(`complete -c datashard ${when} -f -a ${fishQuote(argument.choices.join(' '))}`)
    }
    for (const option of optionsOf(spec)) {
      const flag = flagOf(option)
      const short = flag.short === undefined ? '' : ` -s ${flag.short}`
      const value = !flag.takesValue ? '' : option.choices ? ` -x -a ${fishQuote(option.choices.join(' '))}` : ' -r'
      lines.push(`complete -c datashard ${when} -l ${flag.long.slice(2)}${short}${value} -d ${fishQuote(option.help)}`)
    }
  }
  return `${lines.join('\n')}\n`
}
