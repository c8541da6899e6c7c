/** The same by icebird. Prints the milliseconds of each append as JSON. */
const icebird = await import(process.env.ICEBIRD ?? 'icebird')
if (!icebird.icebergAppend) throw new Error('this icebird cannot append')

const [location, count] = process.argv.slice(2)
const schema = {
  type: 'struct',
  'schema-id': 0,
  fields: [
    { id: 1, name: 'a', type: 'long', required: true },
    { id: 2, name: 'b', type: 'long', required: true },
  ],
}
const resolver = icebird.s3SignedResolver({
  accessKeyId: process.env.AWS_ACCESS_KEY_ID,
  secretAccessKey: process.env.AWS_SECRET_ACCESS_KEY,
  region: process.env.AWS_REGION,
  endpoint: process.env.AWS_ENDPOINT_URL_S3,
  pathStyle: true,
})
const tableUrl = location.replace('s3://', `${process.env.AWS_ENDPOINT_URL_S3}/`)
const catalog = icebird.fileCatalog({ resolver, conditionalCommits: true })
await icebird.icebergCreateTable({ catalog, tableUrl, schema })
const append = () => icebird.icebergAppend({ catalog, tableUrl, records: [{ a: 1n, b: 2n }] })
for (let warm = 0; warm < 3; warm++) await append()
process.send?.('warm')
const times = []
for (let i = 0; i < Number(count); i++) {
  const started = performance.now()
  await append()
  times.push(performance.now() - started)
}
console.log(JSON.stringify(times))
