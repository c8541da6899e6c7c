/** Which objects a table's snapshots name. Whatever cannot be read is an error: what it names would be lost. */
import type { TableMetadata } from '../spec/metadata.ts'
import { currentSchema } from '../spec/metadata.ts'
import type { ListedManifest } from '../scan/plan-manifests.ts'
import { listManifests, readEntries } from '../scan/plan-manifests.ts'
import type { TableFiles } from '../store/table-files.ts'
import { inParallel } from '../table/in-parallel.ts'

/** Manifests and lists in flight. */
const AT_ONCE = 16

export interface NamedRequest {
  readonly files: TableFiles
  /** The newest state, and others whose snapshots are to be kept, too. Specs and schemas are the newest one's. */
  readonly states: readonly [TableMetadata, ...TableMetadata[]]
  readonly signal: AbortSignal | undefined
  /** Called with the key of each manifest list, manifest, data and delete file of any snapshot, perhaps several times. */
  readonly onNamed: (key: string) => void
  readonly onRead: () => void
}

/**
 * Walks all snapshots of the states. Requests: one per snapshot, one per manifest however many snapshots list it.
 *
 * @throws `corrupt` for a list or manifest that is missing or damaged, or a path that leads out of the table; `unsupported`
 * for what is encrypted.
 */
export async function walkNamed({ files, states, signal, onNamed, onRead }: NamedRequest): Promise<void> {
  const [metadata] = states
  const request = { files, metadata, schema: currentSchema(metadata), snapshot: undefined, signal }
  const snapshots = new Map(states.flatMap((state) => state.snapshots.map((one) => [one.snapshotId, one] as const)))
  const manifests = new Map<string, ListedManifest>()
  await inParallel(snapshots.values(), AT_ONCE, async (snapshot) => {
    if (snapshot.manifestList !== undefined) onNamed(files.resolve(snapshot.manifestList))
    for (const one of await listManifests(request, snapshot)) manifests.set(one.manifest.path, one)
    onRead()
  })
  await inParallel(manifests.values(), AT_ONCE, async (listed) => {
    onNamed(files.resolve(listed.manifest.path))
    for (const { status, dataFile } of await readEntries(request, listed)) {
      if (status !== 'deleted') onNamed(files.resolve(dataFile.path))
    }
    onRead()
  })
}
