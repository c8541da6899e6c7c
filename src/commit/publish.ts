/**
 * Publishing an append in the inbox: one object, whose name says what it brings. A small file is published itself; what is
 * larger, or more than one file, or already uploaded, by a manifest that names it.
 */
import { encodeFileDescriptor, encodeManifestDescriptor } from '../codec/descriptor.ts'
import { assert, DataShardError } from '../errors.ts'
import type { DataFile } from '../spec/data-file.ts'
import type { ObjectStore } from '../store/store.ts'
import { uploadData } from './alone.ts'
import { MAX_INTENT_FILE_BYTES } from './candidates.ts'
import { isRefusal } from './certainty.ts'
import type { FoldContext } from './fold.ts'
import { listOpen } from './fold.ts'
import type { InboxView } from './inbox.ts'
import { intentName, uuid8 } from './intent.ts'
import type { AppendUnit, LandControl, UnitState } from './landing.ts'
import { appendManifests } from './manifests.ts'
import { checkNamedInTime, isOverdue } from './unnamed.ts'
import { allEnded } from './upload.ts'
import type { Watch } from './watch.ts'
import type { IntentName } from './window.ts'

/** A file so small is sent once more under a describing name, rather than making every folder read a manifest. */
const MAX_REPEATED_BYTES = 256 * 1024
/** Waits between tries of a publication without an answer. */
const RETRY_MS = 200

interface Publication {
  readonly key: string
  readonly bytes: Uint8Array
  /** As they are named once this is published. */
  readonly dataFiles: readonly DataFile[]
}

/**
 * Puts the intent, and looks at the inbox meanwhile where that is worth it. Requests: the put, and a list; for large
 * appends the data files before. The caller's append can become visible from here on.
 */
export async function publish(
  context: FoldContext,
  state: UnitState,
  watch: Watch,
  control: LandControl,
): Promise<InboxView | undefined> {
  const { committer, crowd, follower } = context
  const publication = describedFile(context, state, watch.intent) ?? (await manifest(context, state, watch, control))
  control.check()
  checkNamedInTime(state.unit.begun, committer.place)
  control.published()
  state.dataFiles = publication.dataFiles
  const { runtime } = committer.place
  const appends = crowd.size(follower.tip)
  // Among many, looking at once is for one of them.
  const looks = appends <= 2 || runtime.random() < 1 / appends
  const [view] = await allEnded([
    looks
      ? listOpen(context, watch.intent.base - 2, watch.intent.id, control.signal).catch(() => undefined)
      : Promise.resolve(undefined),
    put(context, publication, watch.intent, state.unit, control),
  ])
  control.stats.roundTrips += 1
  return view
}

/** The one data file under a name that describes it; undefined where that cannot be. */
function describedFile(
  { committer, files }: FoldContext,
  state: UnitState,
  intent: IntentName,
): Publication | undefined {
  const [file, ...more] = state.unit.appended
  if (!file?.bytes || more.length > 0) return undefined
  const limit = state.uploaded ? MAX_REPEATED_BYTES : MAX_INTENT_FILE_BYTES
  if (file.bytes.length > limit) return undefined
  const { metadata } = committer.head
  const withTexts = metadata.properties['datashard.key-bounds'] === 'all'
  const { schema, spec } = state.unit
  const descriptor = encodeFileDescriptor(file.dataFile, schema, spec, withTexts)
  if (!descriptor) return undefined
  const name = intentName({ ...intent, kind: 'file', uuid8: uuid8(metadata.tableUuid), descriptor })
  if (name === undefined) return undefined
  const key = files.key(name)
  // An attempt to commit alone put the file elsewhere, and lost: nothing names that, and nothing will.
  if (state.uploaded) committer.discard(state.written.splice(0))
  state.uploaded = false
  return { key, bytes: file.bytes, dataFiles: [{ ...file.dataFile, path: files.pathOf(key) }] }
}

/** Whether the append is one small file in memory, which a name can describe. */
export function isDescribable({ unit, uploaded }: UnitState): boolean {
  const [file, ...more] = unit.appended
  return !uploaded && more.length === 0 && file?.bytes !== undefined && file.bytes.length <= MAX_INTENT_FILE_BYTES
}

async function manifest(
  context: FoldContext,
  state: UnitState,
  watch: Watch,
  { signal }: LandControl,
): Promise<Publication> {
  const { committer, files } = context
  const { metadata } = committer.head
  await uploadData(context, state, signal)
  const made = state.manifests ?? appendManifests(metadata, state.dataFiles, files, () => 'metadata/-')
  const [only] = made
  assert(only && made.length === 1, 'a unit is of one partition spec')
  const descriptor = encodeManifestDescriptor({
    schemaId: state.unit.schema.schemaId,
    specId: state.unit.spec.specId,
    files: only.file.addedFilesCount,
    rows: only.file.addedRowsCount,
    lengthBytes: only.bytes.length,
  })
  const name = intentName({ ...watch.intent, kind: 'manifest', uuid8: uuid8(metadata.tableUuid), descriptor })
  assert(name !== undefined, 'the name of a manifest is short')
  return { key: files.key(name), bytes: only.bytes, dataFiles: state.dataFiles }
}

/** Until it is certain that the object is there: only then may it be folded, by us or by anybody. */
async function put(
  { committer, files, tempo }: FoldContext,
  { key, bytes }: Publication,
  intent: IntentName,
  { begun }: AppendUnit,
  { deadlineMs, signal, tick }: LandControl,
): Promise<void> {
  const { runtime, store } = committer.place
  const isOver = () => runtime.monotonic() >= deadlineMs || signal?.aborted === true || isOverdue(begun, runtime)
  for (let tries = 0; ; tries++) {
    const result = await tempo
      .measured(() => store.put(key, bytes, { mode: 'create', signal }))
      .catch((cause: unknown) => {
        // A plain refusal of the first try is certain; later ones say nothing about the tries before.
        if (tries === 0) throw cause
        return { outcome: 'unknown', cause } as const
      })
    // The name is ours alone: what is there came from an earlier try.
    if (result.outcome !== 'unknown') return
    if (tries === 0 && isRefusal(result.cause)) {
      // A full disk stays full, nobody else writes under this name, and this was the only try: who is not there will not come. But the
      // request may have been repeated on its way, and the first one had its effect.
      const isThere = await looked(store, key, signal)
      if (isThere === false) throw result.cause
      if (isThere) return
    }
    tick()
    // Not by the signal: whatever ends this wait, the object may be there, and what it names must not be deleted.
    if (!isOver()) await runtime.sleep(RETRY_MS)
    if (isOver()) {
      throw new DataShardError(
        'commit-unknown',
        `whether the append to ${files.location} was published could not be learnt: the store gave no answer to trust`,
        { cause: result.cause, details: { table: files.location, intent: intent.id, base: intent.base } },
      )
    }
  }
}

/** Whether it is there; undefined if the store does not say. */
async function looked(store: ObjectStore, key: string, signal: AbortSignal | undefined): Promise<boolean | undefined> {
  return store.head(key, { signal }).then(
    (found) => found !== undefined,
    () => undefined,
  )
}
