/** placeholder while the reader arrives */
import { unsupported } from '../errors.ts'
import type { Committer } from '../commit/commit.ts'
import type { TableFiles } from '../store/table-files.ts'
import type { Staged } from './append.ts'

export interface AppendFilesOptions {
  readonly signal?: AbortSignal | undefined
  readonly timeoutMs?: number | undefined
}
export async function stageFiles(_paths: readonly string[], _context: { files: TableFiles; committer: Committer }, _options: AppendFilesOptions): Promise<{ staged: Staged; before: undefined }> {
  return unsupported('later')
}
