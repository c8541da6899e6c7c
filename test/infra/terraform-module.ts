/** The Terraform module's values, by `terraform console` and without the provider, which only the registry has (terraform-values.py). */
import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { temporaryDirectory } from '../support/tables.ts'
import type { Json } from './synth.ts'

const run = promisify(execFile)
const SCRIPT = join(dirname(fileURLToPath(import.meta.url)), 'terraform-values.py')
/** Whatever configuration the machine has, no provider is asked for. */
const ENVIRONMENT = { ...process.env, TF_CLI_CONFIG_FILE: '', CHECKPOINT_DISABLE: '1' }

export type Instance = { readonly [key: string]: Json }

/** By `aws_sqs_queue.records` and key of the instance; of resources without `for_each` the key is ''. */
export type TerraformValues = Readonly<Record<string, Readonly<Record<string, Instance>>>>

/** `terraform` or `tofu`, whichever is there. Undefined where none is, which is said on stderr. */
export async function terraformBinary(): Promise<string | undefined> {
  for (const name of ['terraform', 'tofu']) {
    try {
      await run(name, ['version'], { env: ENVIRONMENT })
      return name
    } catch {
      continue
    }
  }
  process.stderr.write('\n!!! NO TERRAFORM: the module is parsed, and its values are compared with nothing.\n\n')
  return undefined
}

export interface Tools {
  readonly python: string
  readonly terraform: string
}

/** Parsing takes a second, and a module does not change while it is tested. */
const texts = new Map<string, Promise<string>>()

/** All resources and data sources that the module makes with these variables. */
export async function terraformValues(
  { python, terraform }: Tools,
  module: string,
  variables: object,
): Promise<TerraformValues> {
  await using folder = await temporaryDirectory()
  const text = texts.get(module) ?? run(python, [SCRIPT, module]).then(({ stdout }) => stdout)
  texts.set(module, text)
  await writeFile(join(folder.path, 'main.tf'), await text)
  await writeFile(join(folder.path, 'terraform.tfvars.json'), JSON.stringify(variables))
  // A plan checks the variables, which the console does not.
  await run(terraform, ['plan', '-input=false', '-no-color'], { cwd: folder.path, env: ENVIRONMENT })
  const asked = run(terraform, ['console'], { cwd: folder.path, env: ENVIRONMENT, maxBuffer: 10_000_000 })
  asked.child.stdin!.end('base64encode(jsonencode(local.everything))\n')
  const encoded = (await asked).stdout.trim().replaceAll('"', '')
  const all = JSON.parse(new TextDecoder().decode(decoded(encoded))) as Instance
  return Object.fromEntries(
    Object.entries(all).map(([address, value]) => {
      const isRepeated = !('arn' in (value as Instance) && typeof (value as Instance)['arn'] === 'string')
      return [address, (isRepeated ? value : { '': value }) as Record<string, Instance>]
    }),
  )
}

function decoded(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (character) => character.codePointAt(0)!)
}
