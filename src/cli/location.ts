/** From a location on the command line to a store that is observed, and to what opens a table with it. */
import { isMetadataFile } from '../commit/version.ts'
import type { OpenOptions } from '../table/open-place.ts'
import type { Table } from '../table/table.ts'
import type { CommonOptions, Session } from './session.ts'
import { traceRequests } from './trace.ts'

export interface OpenLocation extends AsyncDisposable {
  readonly location: string
  /** For `loadTable`, `createTable` and `dropTable`. */
  readonly open: OpenOptions & { readonly store: NonNullable<OpenOptions['store']> }
}

/**
 * Opens the store of a location; no request is sent. The AWS SDK reads the profile from the environment only, hence
 * `--profile` sets it there.
 */
export async function openLocation(session: Session, location: string, writer?: string): Promise<OpenLocation> {
  const { options, runtime, signal } = session
  if (options.profile !== undefined) process.env['AWS_PROFILE'] = options.profile
  const { openStore } = await import('../store/open.ts')
  const { store } = openStore(storeRoot(location), { s3: s3Options(options), runtime })
  const stopTrace = options.trace === true ? traceRequests(store, session) : undefined
  return {
    location,
    open: { store, runtime, signal, ...(writer !== undefined && { writer }) },
    [Symbol.asyncDispose]: async () => {
      stopTrace?.()
      store.close()
    },
  }
}

/** A metadata file's store begins at its table's folder, as `loadTable` sees it. */
function storeRoot(location: string): string {
  if (!isMetadataFile(location)) return location
  const root = location.replace(/\/?(?:metadata\/)?[^/]*$/, '')
  return root === '' ? (location.startsWith('/') ? '/' : '.') : root
}

/** What the command line says about S3; the rest comes from the environment. */
function s3Options(options: CommonOptions) {
  return {
    ...(options.endpoint !== undefined && { endpoint: options.endpoint }),
    ...(options.region !== undefined && { region: options.region }),
    ...(options.pathStyle !== undefined && { forcePathStyle: options.pathStyle }),
  }
}

/** Opens a table for the time that `body` takes; background work is finished before this resolves. */
export async function withTable<T>(session: Session, location: string, body: (table: Table) => Promise<T>): Promise<T> {
  await using place = await openLocation(session, location)
  const { loadTable } = await import('../table/load.ts')
  await using table = await loadTable(location, place.open)
  return await body(table)
}
