/** cfn-lint, moto, pyiceberg and an HCL parser in a Python environment of the tests' cache, made like the judges' (half a minute). */
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { pythonEnvironment } from '../judges/setup.ts'

const REQUIREMENTS = join(dirname(fileURLToPath(import.meta.url)), 'requirements.txt')

let prepared: Promise<string | undefined> | undefined

/**
 * The interpreter of that environment. Undefined where the tools cannot be had, which is said on stderr, and is an error with
 * `DATASHARD_REQUIRE_JUDGES=1`.
 */
export function infraPython(): Promise<string | undefined> {
  prepared ??= prepare()
  return prepared
}

async function prepare(): Promise<string | undefined> {
  try {
    if (process.env['DATASHARD_JUDGES'] === 'off') throw new Error('DATASHARD_JUDGES=off')
    return await pythonEnvironment('infra', REQUIREMENTS, 'the tools for infra/ (cfn-lint, moto, ...)')
  } catch (error) {
    if (process.env['DATASHARD_REQUIRE_JUDGES'] === '1') throw error
    process.stderr.write(`\n!!! NO TOOLS FOR infra/: nothing checks the templates from outside. ${String(error)}\n\n`)
    return undefined
  }
}
