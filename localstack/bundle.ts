/** `npx tsx localstack/bundle.ts [DIRECTORY]`: the function of the example as Lambda and LocalStack take it, into localstack/.function. */
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundleFunction } from '../infra/lib/index.ts'

const HERE = dirname(fileURLToPath(import.meta.url))
const directory = process.argv[2] ?? join(HERE, '.function')
bundleFunction(join(HERE, '..', 'examples', 'local-dev', 'function.ts'), directory)
console.log(directory)
