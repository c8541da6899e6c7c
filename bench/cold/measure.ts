/**
 * Cold starts, in turn: ours as a function is deployed (bundled, without and with the AWS SDK in the bundle) and as it is installed, and
 * icebird bundled. On a directory and on S3 without added delay, into tables that are there.
 */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { createTable } from '../../src/table/create.ts'
import { bundleFunction } from '../../test/support/bundle.ts'
import { startS3 } from '../../test/support/minio.ts'
import { minioClient, s3Environment } from '../../test/support/tables.ts'
import { quantile, textTable } from '../support/figures.ts'

const run = promisify(execFile)
const here = import.meta.dirname
const node = process.execPath

interface Contestant {
  readonly name: string
  readonly program: string
  /** Its own table, made before anything is measured. */
  readonly create: (location: string) => Promise<void>
}

/** `folder` for bundles and tables; `rounds` of each contestant, of which the median is told. */
export async function measureCold(folder: string, rounds: number): Promise<void> {
  const contestants = [...(await ours(folder)), ...(await icebird(folder))]
  await measure('on a directory', join(folder, 'cold-table'), contestants, rounds)
  const s3 = await startS3()
  const env = {
    ...s3Environment(s3),
  }
  Object.assign(process.env, env)
  try {
    await minioClient(s3).makeBucket('cold')
    await measure(`on ${s3.kind}, no delay added`, 's3://cold/table', contestants, rounds)
  } finally {
    await s3.stop()
  }
}

async function ours(folder: string): Promise<Contestant[]> {
  const source = join(here, 'ours.mjs')
  const bundle = await bundleFunction(source, join(folder, 'bundle'), { sdk: true })
  console.log(
    `\nDataShard bundled: ${kb(bundle.bytes)} with the AWS SDK (${kb(bundle.gzipBytes)} gzipped), and ${kb(bundle.wasmBytes)} of wasm`,
  )
  const create = async (location: string): Promise<void> => {
    const fields = ['a', 'b'].map((name, index) => ({ id: index + 1, name, type: 'long', required: true }))
    await (await createTable(location, { schema: { fields } })).close()
  }
  return [
    { name: 'DataShard, bundled', program: bundle.main, create },
    { name: 'DataShard, installed', program: source, create },
  ]
}

async function icebird(folder: string): Promise<Contestant[]> {
  const alias = Object.fromEntries(
    Object.entries({ icebird: process.env['ICEBIRD'], 'hyparquet-writer': process.env['HYPARQUET_WRITER'] }).filter(
      (entry): entry is [string, string] => entry[1] !== undefined,
    ),
  )
  try {
    const { main, gzipBytes } = await bundleFunction(join(here, 'icebird.mjs'), join(folder, 'icebird'), {
      sdk: true,
      alias,
    })
    console.log(`icebird bundled: ${kb(gzipBytes)} gzipped`)
    const create = async (location: string): Promise<void> => void (await run(node, [main, location, 'create']))
    return [{ name: 'icebird, bundled', program: main, create }]
  } catch {
    console.log('icebird: not measured, it is not installed')
    return []
  }
}

async function measure(
  where: string,
  location: string,
  contestants: readonly Contestant[],
  rounds: number,
): Promise<void> {
  const places = contestants.map((one, index) => ({ ...one, at: `${location}-${index}` }))
  const seen = new Map<string, Record<string, number>[]>()
  for (const { name, create, at } of places) {
    try {
      await create(at)
      seen.set(name, [])
    } catch (error) {
      const why = String((error as { stderr?: string }).stderr ?? error)
      console.log(`${name}: not measured: ${why.split('\n').find((line) => /^\w*Error/.test(line)) ?? why}`)
    }
  }
  for (let round = 0; round < rounds; round++) {
    for (const { name, program, at } of places.filter((one) => seen.has(one.name))) {
      const { stdout } = await run(node, [program, at])
      seen.get(name)!.push(JSON.parse(stdout.trim().split('\n').at(-1)!) as Record<string, number>)
    }
  }
  console.log(`\nprocess start to the first committed append ${where}: milliseconds, median of ${rounds}`)
  const rows = [...seen].map(([name, all]) => ({
    '': name,
    ...Object.fromEntries(
      Object.keys(all[0]!).map((part) => [
        part,
        Math.round(
          quantile(
            all.map((one) => one[part]!),
            0.5,
          ),
        ),
      ]),
    ),
  }))
  console.log(textTable(rows))
}

function kb(bytes: number): string {
  return `${Math.round(bytes / 1_000).toLocaleString('en')} KB`
}
