/** The design, held by a test: which layer may import which, and where heavy packages and nondeterminism may appear. */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const SRC = join(dirname(fileURLToPath(import.meta.url)), '..', 'src')

/** Bottom to top: a file imports only its own layer or one before it. */
const LAYERS = [
  'errors',
  'runtime',
  'spec',
  'codec',
  'store',
  'commit',
  'write',
  'input',
  'scan',
  'table',
  'maintenance',
  'lambda',
  'cli',
  'index',
]

/** A package may be imported only by files that match. */
const CONFINED: readonly (readonly [pkg: RegExp, files: RegExp])[] = [
  [/^@aws-sdk\//, /^store\/s3[a-z-]*\.ts$/],
  [/^@smithy\//, /^store\/s3[a-z-]*\.ts$/],
  [/^apache-arrow/, /^codec\//],
  [/^parquet-wasm/, /^codec\//],
  [/^commander/, /^cli\//],
  [/^csv-parse/, /^input\//],
]

/** Packages that cost a cold start are loaded when they are used: outside of types only by `import()`. */
const LAZY = /^(?:@aws-sdk\/|@smithy\/|apache-arrow|parquet-wasm)/

const NONDETERMINISM =
  /\b(?:Date\.now|Math\.random|(?<!socket\.)setTimeout|setInterval|randomUUID|performance\.now|randomBytes\()/

interface Import {
  readonly specifier: string
  readonly typeOnly: boolean
  readonly dynamic: boolean
}

const files = readdirSync(SRC, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
  .map((entry) => relative(SRC, join(entry.parentPath, entry.name)))
  .map((path) => ({ path, text: readFileSync(join(SRC, path), 'utf8') }))

describe('architecture', () => {
  test('every file belongs to a layer', () => {
    expect(files.length).toBeGreaterThan(20)
    expect(files.filter(({ path }) => !LAYERS.includes(layerOf(path))).map(({ path }) => path)).toEqual([])
  })

  test('a file imports only its own layer or one below', () => {
    const upward = files.flatMap(({ path, text }) =>
      importsOf(text)
        .filter(({ specifier }) => specifier.startsWith('.'))
        .map(({ specifier }) => normalize(join(dirname(path), specifier)))
        .filter((target) => LAYERS.indexOf(layerOf(target)) > LAYERS.indexOf(layerOf(path)))
        .map((target) => `${path} -> ${target}`),
    )
    expect(upward).toEqual([])
  })

  test('heavy packages live in one place each', () => {
    const strays = files.flatMap(({ path, text }) =>
      importsOf(text).flatMap(({ specifier }) =>
        CONFINED.filter(([pkg, where]) => pkg.test(specifier) && !where.test(path)).map(() => `${path}: ${specifier}`),
      ),
    )
    expect(strays).toEqual([])
  })

  test('packages that cost a cold start are imported lazily', () => {
    const eager = files.flatMap(({ path, text }) =>
      importsOf(text)
        .filter(({ specifier, typeOnly, dynamic }) => LAZY.test(specifier) && !typeOnly && !dynamic)
        .map(({ specifier }) => `${path}: ${specifier}`),
    )
    expect(eager).toEqual([])
  })

  test('nondeterminism comes from runtime.ts alone', () => {
    const found = files
      .filter(({ path }) => path !== 'runtime.ts' && !path.startsWith('cli/'))
      .flatMap(({ path, text }) =>
        text
          .split('\n')
          .map((line, index) => ({ line, where: `${path}:${index + 1}` }))
          .filter(({ line }) => NONDETERMINISM.test(withoutComment(line)) && !/runtime\.randomBytes\(/.test(line))
          .map(({ where, line }) => `${where} ${line.trim()}`),
      )
    expect(found).toEqual([])
  })

  test('no folder or file is a drawer for everything', () => {
    const drawers = files.filter(({ path }) => /(?:^|\/)(?:utils?|helpers?|common|misc)(?:\.ts|\/)/.test(path))
    expect(drawers.map(({ path }) => path)).toEqual([])
  })

  test('no file is longer than 500 lines', () => {
    expect(files.filter(({ text }) => text.split('\n').length > 501).map(({ path }) => path)).toEqual([])
  })
})

function layerOf(path: string): string {
  const first = path.split(/[\\/]/)[0]!
  return first.endsWith('.ts') ? first.slice(0, -3) : first
}

function importsOf(text: string): Import[] {
  const statics = text.matchAll(/^(?:import|export)\s+(type\s+)?(?:[^'"]*?\sfrom\s+)?['"]([^'"]+)['"]/gm)
  const dynamics = text.matchAll(/\b(?:typeof\s+)?import\(\s*['"]([^'"]+)['"]\s*\)/g)
  return [
    ...Array.from(statics, (match) => ({ specifier: match[2]!, typeOnly: match[1] !== undefined, dynamic: false })),
    ...Array.from(dynamics, (match) => ({ specifier: match[1]!, typeOnly: false, dynamic: true })),
  ]
}

function withoutComment(line: string): string {
  return line.trim().startsWith('*') || line.trim().startsWith('/') ? '' : line.replace(/\/\/.*$/, '')
}
