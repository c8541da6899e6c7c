/** The same by icebird: `create` makes the table, anything else appends to it. Prints the total and its parts as JSON. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'

const node = performance.now()
const icebird = await import('icebird')
const imported = performance.now()
if (!icebird.icebergAppend) throw new Error('this icebird cannot append')
const [location, doing] = process.argv.slice(2)
const endpoint = process.env.AWS_ENDPOINT_URL_S3
const isS3 = location.startsWith('s3://')
const resolver = isS3 ? s3Resolver() : await directoryResolver()
const tableUrl = isS3 ? location.replace('s3://', `${endpoint}/`) : location
const catalog = icebird.fileCatalog({ resolver, conditionalCommits: true })
if (doing === 'create') {
  const fields = ['a', 'b'].map((name, index) => ({ id: index + 1, name, type: 'long', required: true }))
  await icebird.icebergCreateTable({ catalog, tableUrl, schema: { type: 'struct', 'schema-id': 0, fields } })
}
await icebird.icebergAppend({ catalog, tableUrl, records: [{ a: 1n, b: 2n }] })
const total = performance.now()
const { user, system } = process.cpuUsage()
console.log(
  JSON.stringify({ total, node, import: imported - node, append: total - imported, cpu: (user + system) / 1000 }),
)

function s3Resolver() {
  return icebird.s3SignedResolver({
    accessKeyId: process.env.AWS_ACCESS_KEY_ID,
    secretAccessKey: process.env.AWS_SECRET_ACCESS_KEY,
    region: process.env.AWS_REGION,
    endpoint,
    pathStyle: true,
  })
}

async function directoryResolver() {
  const { ByteWriter } = await import('hyparquet-writer')
  const reader = async (path) => {
    const bytes = await readFile(path)
    return { byteLength: bytes.length, slice: (start, end) => new Uint8Array(bytes.subarray(start, end)).buffer }
  }
  const writer = (path, options = {}) => {
    const bytes = new ByteWriter()
    bytes.finish = async () => {
      await mkdir(dirname(path), { recursive: true })
      await writeFile(path, new Uint8Array(bytes.getBuffer()), { flag: options.ifNoneMatch ? 'wx' : 'w' })
    }
    return bytes
  }
  return { reader, writer }
}
