/** `npx tsx infra/bundle.ts DIRECTORY`: the functions for tools that want a directory of each: SAM, Terraform, the AWS CLI. */
import { join } from 'node:path'
import { bundleFunction, ownFunction } from './lib/bundle.ts'

const directory = process.argv[2]
if (directory === undefined) throw new Error('into which directory?')
for (const name of ['ingest', 'sweep'] as const) bundleFunction(ownFunction(name), join(directory, name))
