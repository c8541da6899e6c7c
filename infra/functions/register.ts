/**
 * Moves the pointers of Glue to the newest versions, once a minute. Glue shows a table as of its `metadata_location`; what is committed
 * after that is not wrong there but not seen yet. Only this function may move it (docs/security.md): an engine that commits through
 * Glue would fork the table.
 */
import { CreateTableCommand, GetTableCommand, GlueClient, UpdateTableCommand } from '@aws-sdk/client-glue'
import type { Table as GlueTable, TableInput } from '@aws-sdk/client-glue'
import { DataShardError, loadTable } from 'datashard'
import type { Table } from 'datashard'
import { required } from './environment.ts'
import { glueType } from './glue-type.ts'

/** Names in Glue and locations. */
type Registered = Readonly<Record<string, string>>

export async function handler(): Promise<Record<string, string>> {
  const glue = new GlueClient({})
  const moved: Record<string, string> = {}
  const failures: unknown[] = []
  for (const [name, location] of Object.entries(JSON.parse(required('DATASHARD_REGISTERED')) as Registered)) {
    try {
      moved[name] = await register(glue, required('DATASHARD_GLUE_DATABASE'), name, location)
    } catch (error) {
      // A table that nobody has created yet is registered when it is there.
      if (error instanceof DataShardError && error.code === 'not-found') continue
      console.error(JSON.stringify({ name, location, error: String(error) }))
      failures.push(error)
    }
  }
  if (failures.length > 0)
    throw new AggregateError(failures, `${failures.length} tables could not be registered: ${failures.join('; ')}`)
  return moved
}

async function register(glue: GlueClient, database: string, name: string, location: string): Promise<string> {
  await using table = await loadTable(location)
  const wanted = `${table.location}/metadata/v${table.version}.metadata.json`
  const registered = await find(glue, database, name)
  if (registered === undefined) {
    await glue.send(new CreateTableCommand({ DatabaseName: database, TableInput: inputOf(name, table, wanted) }))
    return wanted
  }
  const current = registered.Parameters?.['metadata_location'] ?? ''
  if (versionOf(current, table.location) >= table.version) return current
  await glue.send(
    new UpdateTableCommand({
      DatabaseName: database,
      TableInput: inputOf(name, table, wanted, current),
      // Refused when somebody has changed the entry since it was read; the next minute looks again.
      ...(registered.VersionId === undefined ? {} : { VersionId: registered.VersionId }),
      SkipArchive: true,
    }),
  )
  return wanted
}

async function find(glue: GlueClient, database: string, name: string): Promise<GlueTable | undefined> {
  try {
    return (await glue.send(new GetTableCommand({ DatabaseName: database, Name: name }))).Table
  } catch (error) {
    if ((error as { name?: unknown }).name === 'EntityNotFoundException') return undefined
    throw error
  }
}

/** The version that a pointer names. */
function versionOf(metadataLocation: string, tableLocation: string): number {
  const match = /^(.*)\/metadata\/v(\d+)\.metadata\.json$/.exec(metadataLocation)
  if (match?.[1] === tableLocation) return Number(match[2])
  // Whoever put another file there has committed through Glue: these rows are not in the table, and must not be hidden.
  throw new Error(
    `Glue names ${metadataLocation || 'no metadata'}, which is no version of ${tableLocation}: see docs/operations.md`,
  )
}

function inputOf(name: string, table: Table, metadataLocation: string, previous?: string): TableInput {
  return {
    Name: name,
    TableType: 'EXTERNAL_TABLE',
    Parameters: {
      table_type: 'ICEBERG',
      metadata_location: metadataLocation,
      ...(previous === undefined ? {} : { previous_metadata_location: previous }),
    },
    StorageDescriptor: {
      Location: table.location,
      Columns: table.schema.fields.map(({ name: column, type, doc }) => ({
        Name: column,
        Type: glueType(type),
        ...(doc === undefined ? {} : { Comment: doc }),
      })),
    },
  }
}
