/**
 * What a writer process was about to do and what it was told, on disk before it goes on: the truth that outlives its kill. One line per
 * id and word; a kill may leave half a line, which then was not yet said.
 */
import { closeSync, existsSync, fdatasyncSync, openSync, readFileSync, writeSync } from 'node:fs'

/**
 * `intended`: the append may have begun. `acknowledged`: it returned. `replayed`: it returned, and said that the row was there already.
 * `refused`: it failed, and said that nothing was committed.
 */
const WORDS = ['intended', 'acknowledged', 'replayed', 'refused'] as const
export type Word = (typeof WORDS)[number]

export interface Journal {
  note(word: Word, ids: readonly number[]): void
  close(): void
}

export function openJournal(path: string): Journal {
  const file = openSync(path, 'a')
  // What a kill left half-written must not run together with what is written next, nor count: `12` may have been going to be `1234`.
  if (!/(?:^|\n)$/.test(readFileSync(path, 'utf8'))) writeSync(file, ' torn\n')
  return {
    note: (word, ids) => {
      if (ids.length === 0) return
      writeSync(file, ids.map((id) => `${word} ${id}\n`).join(''))
      fdatasyncSync(file)
    },
    close: () => closeSync(file),
  }
}

export type Journalled = Readonly<Record<Word, ReadonlySet<number>>>

/** All that several journals say; a journal that is not there yet says nothing. */
export function readJournals(paths: readonly string[]): Journalled {
  const said = Object.fromEntries(WORDS.map((word) => [word, new Set<number>()])) as Record<Word, Set<number>>
  for (const path of paths) {
    if (!existsSync(path)) continue
    // The last line counts only with its end.
    for (const line of readFileSync(path, 'utf8').split('\n').slice(0, -1)) {
      const [, word, id] = /^([a-z]+) (\d+)$/.exec(line) ?? []
      if (WORDS.includes(word as Word)) said[word as Word].add(Number(id))
    }
  }
  return said
}

/** Ids whose append may have begun and of which nothing more is known. */
export function openIds({ intended, acknowledged, refused }: Journalled): number[] {
  return [...intended].filter((id) => !acknowledged.has(id) && !refused.has(id))
}
