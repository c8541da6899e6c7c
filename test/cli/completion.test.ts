import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { COMMANDS } from '../../src/cli/commands.ts'
import { completionScript } from '../../src/cli/completion.ts'
import { datashard } from './memory-io.ts'

test.each(['bash', 'zsh', 'fish'] as const)('the script for %s names every command and every option', async (shell) => {
  const { code, stdout } = await datashard(['completion', shell])
  expect(code).toBe(0)
  expect(stdout).toBe(completionScript(shell))
  for (const spec of COMMANDS) {
    expect(stdout).toContain(spec.name)
    for (const { flags } of spec.options) {
      const long = /--([\w-]+)/.exec(flags)![1]!
      expect(stdout).toMatch(shell === 'fish' ? new RegExp(`-l ${long}\\b`) : new RegExp(`--${long}\\b`))
    }
  }
})

/** What bash would offer for the last word of a line. */
function bashOffers(...words: string[]): string[] {
  const script = `${completionScript('bash')}
COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}; _datashard; printf '%s\\n' "\${COMPREPLY[@]}"`
  const { stdout, stderr } = spawnSync('bash', ['--norc', '-c', script], { encoding: 'utf8', cwd: '/' })
  expect(stderr).toBe('')
  return stdout.split('\n').filter((line) => line !== '')
}

test('bash completes commands, options, choices and files', () => {
  expect(bashOffers('datashard', 's')).toEqual(['scan', 'schema', 'sweep', 'serve'])
  expect(bashOffers('datashard', 'scan', '--li')).toEqual(['--limit'])
  expect(bashOffers('datashard', 'scan', '--format', 'pa')).toEqual(['parquet'])
  expect(bashOffers('datashard', 'completion', 'z')).toContain('zsh')
  expect(bashOffers('datashard', 'append', 'tm')).toContain('tmp')
  expect(bashOffers('datashard', 'append', 'tm').some((word) => word.startsWith('-'))).toBe(false)
})
