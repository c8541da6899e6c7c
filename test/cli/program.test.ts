import { describe, expect, test } from 'vitest'
import { COMMANDS } from '../../src/cli/commands.ts'
import { datashard } from './memory-io.ts'

describe('the program', () => {
  test('--help lists every command and the exit codes, on stdout', async () => {
    const { code, stdout, stderr } = await datashard(['--help'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    for (const { name } of COMMANDS) expect(stdout).toMatch(new RegExp(`^  ${name} `, 'm'))
    expect(stdout).toMatch(/Exit codes: 0 done, 1 failed, 2 wrong usage, 3 conflict/)
    expect(stdout).toMatchSnapshot()
  })

  test.each(COMMANDS.map(({ name }) => name))('%s --help says what it does, with examples', async (name) => {
    const { code, stdout } = await datashard([name, '--help'])
    expect(code).toBe(0)
    expect(stdout).toMatch(/Examples:\n {2}# /)
    expect(stdout).toMatchSnapshot()
  })

  test('every example in the help is a command line that parses', async () => {
    for (const spec of COMMANDS) {
      for (const { line } of spec.examples) {
        const mine = line.split(/[|&]+|<\(/).find((part) => part.trim().startsWith('datashard'))!
        const words = shellWords(mine.replace(/ > .*|\)$/, '')).slice(1)
        const { stderr } = await datashard([...words, '--help'])
        expect({ line, stderr }).toEqual({ line, stderr: '' })
      }
    }
  })

  test('help for a command by name', async () => {
    expect((await datashard(['help', 'scan'])).stdout).toBe((await datashard(['scan', '--help'])).stdout)
  })

  test('no command is wrong usage, with the help on stderr', async () => {
    const { code, stdout, stderr } = await datashard([])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(/^Usage: datashard/)
  })

  test('--version', async () => {
    expect((await datashard(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
  })

  test.each([
    [['scna', 'x'], /unknown command 'scna'; Did you mean scan\?/],
    [['scan', 'x', '--limt', '3'], /unknown option '--limt'; Did you mean --limit\?\nSee 'datashard scan --help'/],
    [['scan'], /missing required argument 'location'/],
    [['log', 'a', 'b'], /too many arguments/],
    [['scan', 'x', '--limit', 'many'], /--limit <n>' argument 'many' is invalid. It must be a whole number above 0/],
    [['scan', 'x', '--format', 'xml'], /argument 'xml' is invalid. Allowed choices are table, ndjson/],
    [['scan', 'x', '--as-of', 'yesterday'], /'yesterday' is no moment; write 2026-01-31/],
    [['scan', 'x', '--as-of', '2026-01-01', '--ref', 'main'], /--as-of and --ref name two states/],
    [['scan', 'x', '--snapshot', 'abc'], /'abc' is no snapshot id/],
    [['scan', 'x', '--nearest'], /--nearest is for --as-of/],
    [['scan', 'x', '--output', 'rows.xyz'], /tells no format/],
    [['create', 'x'], /a table needs columns: --schema/],
    [['create', 'x', '--schema', 'id lnog'], /no type 'lnog'; did you mean long/],
    [['create', 'x', '--schema', 'id long', '--property', 'a'], /--property 'a' is not name=value/],
    [['append', 'x', '--schema', 'id long'], /--schema is for a new table: give --create/],
    [['append', 'x', '--create'], /--create needs --schema, or --infer/],
    [['append', 'x', '--as-files'], /--as-files needs the names of Parquet files/],
    [['append', 'x', '-', '-'], /stdin \('-'\) can be read only once/],
    [['append', 'x', '--batch-rows', '0'], /above 0/],
    [['completion', 'powershell'], /Allowed choices are bash, zsh, fish/],
    [['verify', 'x', '--all', '--snapshot', '1'], /give one of --snapshot and --all/],
    [['demo', '--processes', '1000'], /more than a demo needs/],
  ])('%j is wrong usage: exit code 2, one message, no stack', async (args, message) => {
    const { code, stdout, stderr } = await datashard(args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(message)
    expect(stderr).toMatch(/^error: /)
    expect(stderr).not.toMatch(/\n\s+at /)
  })

  test('with --json errors are one line of JSON on stderr', async () => {
    const { code, stderr } = await datashard(['scan', 'x', '--format', 'csv', '--json'])
    expect(code).toBe(2)
    expect(stderr).toMatch(/--json is --format ndjson/)
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'invalid-argument', exitCode: 2, committed: 'no' } })
  })

  test('DATASHARD_DEBUG=1 adds the stack', async () => {
    const { stderr } = await datashard(['create', 'x'], { env: { DATASHARD_DEBUG: '1' } })
    expect(stderr).toMatch(/\n\s+at /)
  })
})

function shellWords(line: string): string[] {
  return Array.from(line.trim().matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g), (m) => m[1] ?? m[2] ?? m[3]!)
}
