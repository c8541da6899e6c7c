/** What a folder knows of its own append. */
import type { OwnAppend } from './fold.ts'
import type { UnitState } from './landing.ts'
import type { UnboundManifest } from './manifests.ts'
import type { IntentName } from './window.ts'

export function ownAppend(
  { unit, dataFiles }: UnitState,
  intent: IntentName,
  manifests: readonly UnboundManifest[] | undefined,
): OwnAppend {
  const { schema, spec, begun } = unit
  return { intent, schemaId: schema.schemaId, specId: spec.specId, dataFiles, begun, manifests }
}
