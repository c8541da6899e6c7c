/** Puts and gets over TLS, in a process of its own: Node reads NODE_EXTRA_CA_CERTS only as it starts. */
import { s3Store } from '../../src/store/s3.ts'

const store = s3Store({ bucket: 'store-tests', endpoint: process.argv[2]! })
const body = new Uint8Array(3_000_000).fill(7)
await Promise.all(Array.from({ length: 20 }, (_, index) => store.put(`k${index}`, body)))
const back = await Promise.all(Array.from({ length: 20 }, (_, index) => store.get(`k${index}`)))
console.log(
  back.every((bytes) => bytes !== undefined && Buffer.compare(bytes, body) === 0),
  store.conditionalCreate.endpoint,
)
store.close()
