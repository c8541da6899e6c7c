import type { CommandCall } from './command-spec.ts'
export async function run(_call: CommandCall): Promise<void> {}
