/** What cannot be run without Docker is at least well-formed. */
import { execFile } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { infraPython } from '../infra/tools.ts'

const HERE = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'localstack')
const run = promisify(execFile)
const python = await infraPython()

test.skipIf(python === undefined)('compose files parse, and mount what is there', async () => {
  const code = 'import json, sys, yaml; print(json.dumps([yaml.safe_load(open(f)) for f in sys.argv[1:]]))'
  const files = ['compose.minio.yaml', 'compose.localstack.yaml'].map((name) => join(HERE, name))
  const { stdout } = await run(python!, ['-c', code, ...files])
  const composed = JSON.parse(stdout) as { services: Record<string, { image: string; volumes?: string[] }> }[]
  const services = composed.flatMap((file) => Object.values(file.services))
  expect(services.map(({ image }) => image.split(':')[0])).toEqual([
    'quay.io/minio/minio',
    'quay.io/minio/minio',
    'localstack/localstack',
  ])
  const { access } = await import('node:fs/promises')
  const mounted = services.flatMap(({ volumes = [] }) => volumes.map((volume) => volume.split(':')[0]!))
  const committed = mounted.filter((path) => path.startsWith('./') && path !== './.function')
  expect(committed).toHaveLength(2)
  await Promise.all(committed.map((path) => access(join(HERE, path))))
})

test('shell scripts parse', async () => {
  for (const script of ['init/minio.sh', 'init/ready.d/10-lake.sh']) {
    await expect(run('bash', ['-n', join(HERE, script)])).resolves.toMatchObject({ stderr: '' })
  }
})
