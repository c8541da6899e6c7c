/** The SAM template as CloudFormation would read it: parameters put in, conditions decided, nested templates opened. */
import { execFile } from 'node:child_process'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import type { Json } from './synth.ts'

const run = promisify(execFile)

type Fields = { readonly [key: string]: Json }

interface Template {
  readonly Parameters?: Record<string, { Default?: Json; AllowedValues?: Json[]; AllowedPattern?: string }>
  readonly Conditions?: Fields
  readonly Resources: Record<string, { Type: string; Condition?: string; Properties?: Fields }>
}

export interface SamResource {
  readonly type: string
  readonly properties: Fields
}

/** Resources by name; what is told only once they are made stands as `<Name>` or `<Name.Attribute>`. */
export type SamResources = Readonly<Record<string, SamResource>>

/** Files as JSON, by an interpreter of `tools.ts`. */
export async function samTemplates(python: string, files: readonly string[]): Promise<Map<string, Template>> {
  const code =
    'import json, sys; from cfnlint.decode import cfn_yaml; print(json.dumps([cfn_yaml.load(f) for f in sys.argv[1:]], default=str))'
  const { stdout } = await run(python, ['-c', code, ...files])
  const parsed = JSON.parse(stdout) as Template[]
  return new Map(files.map((file, index) => [file, parsed[index]!]))
}

const GONE = Symbol('AWS::NoValue')
const PSEUDO: Record<string, string> = {
  'AWS::Partition': 'aws',
  'AWS::AccountId': '123456789012',
  'AWS::StackName': 'stack',
}

/** What is made of a template with these parameters. An unknown parameter, and a missing one, is an error as it would be there. */
export function samResources(template: Template, parameters: Readonly<Record<string, Json>>): SamResources {
  const values = valuesOf(template, parameters)
  const evaluation = new Evaluation(template, values)
  return Object.fromEntries(
    Object.entries(template.Resources)
      .filter(([, { Condition }]) => Condition === undefined || evaluation.decide(Condition))
      .map(([name, { Type, Properties = {} }]) => [
        name,
        { type: Type, properties: evaluation.value(Properties) as Fields },
      ]),
  )
}

/** The same of a nested template: its file is named in the file of the other. */
export function nested(
  { type, properties }: SamResource,
  parent: string,
  templates: ReadonlyMap<string, Template>,
): SamResources {
  if (type !== 'AWS::Serverless::Application') throw new Error(`${type} is no nested template`)
  const file = join(dirname(parent), String(properties['Location']))
  const template = templates.get(file)
  if (template === undefined) throw new Error(`there is no template ${file}`)
  return samResources(template, properties['Parameters'] as Fields)
}

function valuesOf({ Parameters = {} }: Template, given: Readonly<Record<string, Json>>): Map<string, Json> {
  const unknown = Object.keys(given).filter((name) => !(name in Parameters))
  if (unknown.length > 0) throw new Error(`the template has no parameters ${unknown.join(', ')}`)
  return new Map(
    Object.entries(Parameters).map(([name, { Default, AllowedValues, AllowedPattern }]) => {
      const value = given[name] ?? Default
      if (value === undefined) throw new Error(`the parameter ${name} has no value`)
      const isAllowed = AllowedValues?.includes(value) ?? true
      const isMatch = AllowedPattern === undefined || new RegExp(`^(?:${AllowedPattern})$`).test(String(value))
      if (!isAllowed || !isMatch) throw new Error(`the parameter ${name} may not be ${String(value)}`)
      return [name, value]
    }),
  )
}

class Evaluation {
  readonly #conditions: Fields
  readonly #values: ReadonlyMap<string, Json>
  readonly #names: ReadonlySet<string>

  constructor({ Conditions = {}, Resources }: Template, values: ReadonlyMap<string, Json>) {
    this.#conditions = Conditions
    this.#values = values
    // A function with a URL is two resources.
    this.#names = new Set(Object.keys(Resources).flatMap((name) => [name, `${name}Url`]))
  }

  decide(name: string): boolean {
    const condition = this.#conditions[name]
    if (condition === undefined) throw new Error(`there is no condition ${name}`)
    return this.value(condition) === true
  }

  value(part: Json): Json {
    const made = this.#made(part)
    if (made === GONE) throw new Error('AWS::NoValue is the value of nothing')
    return made
  }

  #made(part: Json): Json | typeof GONE {
    if (Array.isArray(part)) return part.map((one) => this.#made(one as Json)).filter((one) => one !== GONE)
    if (part === null || typeof part !== 'object') return part
    const entries = Object.entries(part)
    const [[key, argument] = ['', null]] = entries
    if (entries.length === 1 && (key === 'Ref' || key.startsWith('Fn::'))) return this.#call(key, argument)
    if (entries.length === 1 && key === 'Condition' && typeof argument === 'string') return this.decide(argument)
    return Object.fromEntries(
      entries.map(([name, one]) => [name, this.#made(one as Json)] as const).filter(([, one]) => one !== GONE),
    ) as Json
  }

  #call(name: string, argument: Json): Json | typeof GONE {
    if (name === 'Ref') return this.#reference(String(argument))
    if (name === 'Fn::Sub') {
      return String(argument).replaceAll(/\$\{([^!}]+)\}/g, (_, inner: string) => String(this.#reference(inner)))
    }
    const list = argument as readonly Json[]
    switch (name) {
      case 'Fn::GetAtt': {
        return this.#reference(Array.isArray(argument) ? list.join('.') : String(argument))
      }
      case 'Fn::If': {
        return this.#made(this.decide(String(list[0])) ? list[1]! : list[2]!)
      }
      case 'Fn::Equals': {
        return this.value(list[0]!) === this.value(list[1]!)
      }
      case 'Fn::Not': {
        return this.value(list[0]!) !== true
      }
      case 'Fn::And': {
        return list.every((one) => this.value(one) === true)
      }
      case 'Fn::Or': {
        return list.some((one) => this.value(one) === true)
      }
      case 'Fn::Join': {
        return (this.value(list[1]!) as readonly Json[]).join(String(list[0]))
      }
      case 'Fn::Split': {
        return String(this.value(list[1]!)).split(String(list[0]))
      }
      default: {
        throw new Error(`${name} is not known to the tests`)
      }
    }
  }

  #reference(name: string): Json | typeof GONE {
    if (name === 'AWS::NoValue') return GONE
    const value = PSEUDO[name] ?? this.#values.get(name)
    if (value !== undefined) return value
    if (!this.#names.has(name.split('.')[0]!)) throw new Error(`there is no ${name}`)
    return `<${name}>`
  }
}
