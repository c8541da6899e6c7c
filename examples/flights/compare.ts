/** The judge: DuckDB reads the original file, DataShard the table, and every figure must be the same. */
import { DuckDBInstance } from '@duckdb/node-api'
import type { Table } from 'datashard'
import { FLIGHTS_FILE } from './flights.ts'

interface Figures {
  flights: bigint
  delay: bigint
  distance: bigint
}

/** Prints both sides; false if they differ. */
export async function compareWithDuckDb(table: Table): Promise<boolean> {
  const [original, ours] = [await fromDuckDb(), await fromTable(table)]
  const origins = [...new Set([...original.keys(), ...ours.keys()])].toSorted()
  const different = origins.filter((origin) => text(original.get(origin)) !== text(ours.get(origin)))
  const sum = (all: ReadonlyMap<string, Figures>) =>
    [...all.values()].reduce<Figures>(
      (one, other) => ({
        flights: one.flights + other.flights,
        delay: one.delay + other.delay,
        distance: one.distance + other.distance,
      }),
      { flights: 0n, delay: 0n, distance: 0n },
    )
  console.log('                       flights        sum of delays   sum of distances')
  console.log(`original file (DuckDB) ${text(sum(original))}`)
  console.log(`table (DataShard)      ${text(sum(ours))}`)
  console.log(`groups by origin       ${origins.length}, of which ${different.length} differ`)
  for (const origin of different.slice(0, 5)) {
    console.log(`  ${origin}: ${text(original.get(origin))} in the file, ${text(ours.get(origin))} in the table`)
  }
  return different.length === 0 && origins.length > 0
}

async function fromDuckDb(): Promise<Map<string, Figures>> {
  const connection = await (await DuckDBInstance.create()).connect()
  const result = await connection.runAndReadAll(
    `select origin, count(*), sum(delay)::bigint, sum(distance)::bigint from read_parquet($1) group by origin`,
    [FLIGHTS_FILE],
  )
  return new Map(
    result
      .getRows()
      .map(([origin, flights, delay, distance]) => [
        String(origin),
        { flights: flights as bigint, delay: delay as bigint, distance: distance as bigint },
      ]),
  )
}

async function fromTable(table: Table): Promise<Map<string, Figures>> {
  const groups = new Map<string, Figures>()
  for await (const row of table.scan({ select: ['origin', 'delay', 'distance'] })) {
    const origin = String(row['origin'])
    const group = groups.get(origin) ?? { flights: 0n, delay: 0n, distance: 0n }
    group.flights += 1n
    group.delay += (row['delay'] as bigint | null) ?? 0n
    group.distance += (row['distance'] as bigint | null) ?? 0n
    groups.set(origin, group)
  }
  return groups
}

function text(figures: Figures | undefined): string {
  if (!figures) return 'none'
  return `${String(figures.flights).padStart(7)}  ${String(figures.delay).padStart(19)}  ${String(figures.distance).padStart(17)}`
}
