/** The SAM template and the Terraform module: as far as can be said offline, and that they grant what the constructs grant. */
import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { accessStatements, versionsAreCreatedOnce } from '../../infra/lib/index.ts'
import { SAM_TEMPLATE, samFiles } from './sources-of-sam.ts'
import { infraPython } from './tools.ts'

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..')
const TERRAFORM = join(ROOT, 'examples/terraform')
const run = promisify(execFile)
const python = await infraPython()

interface Granted {
  readonly Sid: string
  readonly Effect: string
  readonly Action: unknown
  readonly Resource: unknown
  readonly Condition?: object
}

/** A statement without the forms in which the tools differ: lists of one, and what stands for the bucket and the prefix. */
function plain({ Sid, Effect, Action, Resource, Condition = {} }: Granted): object {
  const list = (value: unknown) => [value].flat().map((one) => String(one))
  const conditions = Object.entries(Condition).flatMap(([operator, keys]) =>
    Object.entries(keys as object).map(([key, values]) => `${operator} ${key} ${list(values).join()}`),
  )
  return {
    Sid,
    Effect,
    actions: list(Action).toSorted(),
    resources: list(Resource).toSorted(),
    conditions: conditions.toSorted(),
  }
}

const PLACE = { bucketArn: 'BUCKET', prefix: 'TABLE' }
const EXPECTED = [...accessStatements('maintainer', PLACE), versionsAreCreatedOnce(PLACE.bucketArn)].map((statement) =>
  plain(statement),
)

describe.skipIf(python === undefined)('examples/sam', () => {
  test('cfn-lint has nothing against it', async () => {
    const files = await samFiles()
    expect(files.length).toBeGreaterThan(6)
    const lint = run(python!, ['-c', 'from cfnlint.runner.cli import main; main()', ...files])
    await expect(lint).resolves.toMatchObject({ stdout: '' })
  })

  test('grants what the constructs grant, and denies what they deny', async () => {
    const code =
      'import json, sys; from cfnlint.decode import cfn_yaml; print(json.dumps(cfn_yaml.load(sys.argv[1]), default=str))'
    const { stdout } = await run(python!, ['-c', code, SAM_TEMPLATE])
    const text = stdout
      .replaceAll(/\{"Fn::GetAtt": \["Bucket", "Arn"\]\}/g, '"BUCKET"')
      .replaceAll(/\{"Fn::Sub": ("(?:[^"\\]|\\.)*")\}/g, '$1')
      .replaceAll('${Bucket.Arn}', 'BUCKET')
      .replaceAll('${Table}', 'TABLE')
    const { Resources } = JSON.parse(text) as {
      Resources: Record<string, { Properties: { PolicyDocument?: { Statement: Granted[] } } }>
    }
    const granted = Object.values(Resources).flatMap(({ Properties }) => Properties.PolicyDocument?.Statement ?? [])
    const ours = granted.map((statement) => plain(statement)).filter((one) => !(one as Granted).Sid.endsWith('TlsOnly'))
    expect(ours).toEqual(expect.arrayContaining(EXPECTED))
    expect(ours).toHaveLength(EXPECTED.length)
  })
})

describe.skipIf(python === undefined)('examples/terraform', () => {
  interface Block {
    readonly sid?: string
    readonly effect?: string
    readonly actions: string[]
    readonly resources?: string[]
    readonly condition?: { test: string; variable: string; values: string[] }[]
  }
  type Parsed = Record<'resource' | 'data', Record<string, Record<string, { statement?: Block[] }>>[] | undefined>

  async function parsed(): Promise<Parsed[]> {
    const code = 'import hcl2, json, sys; print(json.dumps([hcl2.load(open(f)) for f in sys.argv[1:]]))'
    const files = (await readdir(TERRAFORM)).filter((name) => name.endsWith('.tf')).map((name) => join(TERRAFORM, name))
    expect(files.length).toBeGreaterThan(4)
    const { stdout } = await run(python!, ['-c', code, ...files])
    // The parser keeps the quotes of strings and of labels.
    return JSON.parse(stdout.replaceAll(String.raw`\"`, '')) as Parsed[]
  }

  test('grants what the constructs grant, and denies what they deny', async () => {
    // What functions may do beside that is compared in example-sources.test.ts.
    const documents = (await parsed()).flatMap(({ data = [] }) =>
      data.flatMap((one) =>
        Object.entries(one['aws_iam_policy_document'] ?? {})
          .filter(([name]) => ['writer', 'sweeper', 'bucket'].includes(name))
          .map(([, document]) => document),
      ),
    )
    const statements = documents.flatMap(({ statement = [] }) => statement)
    const named = statements.filter(({ sid = 'TlsOnly' }) => !sid.endsWith('TlsOnly'))
    const name = (text: string) =>
      text.replaceAll(/\$\{aws_s3_bucket\.lake\.arn\}/g, 'BUCKET').replaceAll('${var.table}', 'TABLE')
    const ours = named.map(({ sid = '', effect = 'Allow', actions, resources = [], condition = [] }) => ({
      Sid: sid,
      Effect: effect,
      actions: actions.toSorted(),
      resources: resources.map(name).toSorted(),
      conditions: condition.map((one) => `${one.test} ${one.variable} ${one.values.map(name).join()}`).toSorted(),
    }))
    expect(ours).toEqual(expect.arrayContaining(EXPECTED))
    expect(ours).toHaveLength(EXPECTED.length)
  })

  test('refers only to what it declares', async () => {
    const files = await parsed()
    const declared = new Set(
      files.flatMap((file) =>
        (['resource', 'data'] as const).flatMap((kind) =>
          (file[kind] ?? []).flatMap((one) =>
            Object.entries(one).flatMap(([type, named]) =>
              Object.keys(named).map((name) => `${kind === 'data' ? 'data.' : ''}${type}.${name}`),
            ),
          ),
        ),
      ),
    )
    const names = (await readdir(TERRAFORM)).filter((name) => name.endsWith('.tf'))
    const texts = await Promise.all(names.map((name) => readFile(join(TERRAFORM, name), 'utf8')))
    const text = texts.join('\n').replaceAll(/^\s*#.*$/gm, '')
    const used = text.matchAll(/(?<![\w".])((?:data\.)?(?:aws|archive)_\w+\.\w+)\b/g)
    const missing = [...used].map((match) => match[1]!).filter((name) => !declared.has(name))
    expect(declared.size).toBeGreaterThan(20)
    expect(missing).toEqual([])
  })
})
