/** Code blocks of Markdown files and of docstrings, so that tests can run what the documentation shows. */
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'

export interface CodeBlock {
  readonly file: string
  readonly line: number
  readonly language: string
  readonly code: string
}

/** All fenced blocks of a text, with the line that each begins at. */
export function codeBlocks(file: string, text: string): CodeBlock[] {
  const blocks: CodeBlock[] = []
  let open: { line: number; language: string; code: string[] } | undefined
  for (const [index, line] of text.split('\n').entries()) {
    const fence = /^\s*```(\w*)\s*$/.exec(line)
    if (!fence) open?.code.push(line)
    else if (open) {
      blocks.push({ file, line: open.line, language: open.language, code: `${open.code.join('\n')}\n` })
      open = undefined
    } else open = { line: index + 1, language: fence[1]!, code: [] }
  }
  return blocks
}

export function markdownBlocks(root: string): CodeBlock[] {
  const files = ['README.md', ...under(join(root, 'docs')).map((path) => relative(root, path))]
  return files
    .filter((file) => file.endsWith('.md'))
    .flatMap((file) => codeBlocks(file, readFileSync(join(root, file), 'utf8')))
}

/** The examples of docstrings, without the stars in front. */
export function docstringBlocks(root: string): CodeBlock[] {
  return under(join(root, 'src'))
    .filter((path) => path.endsWith('.ts'))
    .flatMap((path) => {
      const text = readFileSync(path, 'utf8').replaceAll(/^[ \t]*\*[ \t]?/gm, '')
      return codeBlocks(relative(root, path), text).filter((block) => block.language === 'ts')
    })
}

function under(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted()
}
