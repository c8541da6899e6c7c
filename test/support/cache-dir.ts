import { mkdir } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'

/**
 * Where the tests keep what is slow to make and the same for every checkout: the MinIO binary, the judges' Python environment.
 * `DATASHARD_TEST_CACHE` moves it (a CI's cached directory, say).
 */
export async function cacheDirectory(...segments: string[]): Promise<string> {
  const root =
    process.env['DATASHARD_TEST_CACHE'] ??
    join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'datashard-test')
  const directory = join(root, ...segments)
  await mkdir(directory, { recursive: true })
  return directory
}
