import { expect, test } from 'vitest'
import { PendingChanges } from '../../src/table/pending-changes.ts'

test('who commits with a signal that has fired already does not wait for rows', { timeout: 5_000 }, async () => {
  const changes = new PendingChanges()
  void changes.begin(() => new Promise(() => undefined))
  await expect(changes.settle(AbortSignal.abort())).rejects.toMatchObject({ code: 'aborted' })
})
