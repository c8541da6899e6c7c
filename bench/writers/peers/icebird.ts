/** The same by icebird: tasks of one process, each with a catalog and a resolver of its own. `ICEBIRD` may name its module. */
import { jobOf, nextWord, say } from '../../support/in-child.ts'
import type { ClientJob, ClientRows } from '../job.ts'
import { measureAppends } from '../measure.ts'

interface Icebird {
  readonly icebergAppend?: (append: object) => Promise<unknown>
  readonly icebergCreateTable: (create: object) => Promise<unknown>
  readonly icebergRead: (read: object) => Promise<readonly { readonly a: bigint; readonly b: bigint }[]>
  readonly loadLatestFileCatalogMetadata: (load: object) => Promise<{ readonly metadata: object }>
  readonly s3SignedResolver: (options: object) => object
  readonly fileCatalog: (options: object) => object
}

const job = jobOf<ClientJob>()
const name = process.env['ICEBIRD'] ?? 'icebird'
const icebird = (await import(name)) as Icebird
const { icebergAppend } = icebird
if (icebergAppend === undefined) throw new Error('this icebird cannot append')

const endpoint = process.env['AWS_ENDPOINT_URL_S3'] ?? ''
// By its s3: name, so that other engines could follow what it writes into the table.
const tableUrl = job.location

function openResolver(): object {
  return icebird.s3SignedResolver({
    accessKeyId: process.env['AWS_ACCESS_KEY_ID'],
    secretAccessKey: process.env['AWS_SECRET_ACCESS_KEY'],
    region: process.env['AWS_REGION'],
    endpoint,
    pathStyle: true,
  })
}

function openCatalog(): object {
  return icebird.fileCatalog({ resolver: openResolver(), conditionalCommits: true })
}

// It reads its table itself.
if (job.action === 'read') {
  const resolver = openResolver()
  const { metadata } = await icebird.loadLatestFileCatalogMetadata({ tableUrl, resolver })
  const rows = await icebird.icebergRead({ tableUrl, resolver, metadata })
  const said: ClientRows = { rows: rows.map(({ a, b }) => [Number(a), Number(b)] as const) }
  await say(said)
  process.exit(0)
}

if (job.action === 'create') {
  const fields = ['a', 'b'].map((column, i) => ({ id: i + 1, name: column, type: 'long', required: true }))
  const schema = { type: 'struct', 'schema-id': 0, fields }
  await icebird.icebergCreateTable({ catalog: openCatalog(), tableUrl, schema })
  await say({ created: true })
  process.exit(0)
}

const writers = Array.from({ length: job.writers }, (_, i) => ({
  a: BigInt(job.firstWriter + i),
  catalog: openCatalog(),
}))

async function append(writer: { a: bigint; catalog: object }, b: bigint): Promise<void> {
  await icebergAppend!({ catalog: writer.catalog, tableUrl, records: [{ a: writer.a, b }] })
}

await Promise.all(
  writers.map(async (writer) => {
    for (let i = 1; i <= job.warm; i++) await append(writer, BigInt(-i)).catch(() => undefined)
  }),
)
await say({ ready: true })
await nextWord()
const report = await measureAppends(writers, job.appends, append)
await say({ report })
process.exit(0)
