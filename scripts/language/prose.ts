/**
 * The sentences of a Markdown page, each with the line it begins on. Code blocks, comments and the tables of generated
 * regions are left out. A heading, a list item and a cell of a table each stand for themselves: no sentence runs
 * across their border.
 */

export interface Sentence {
  readonly line: number
  /** Markup removed; a piece of inline code is the one word it is read as. */
  readonly text: string
  readonly isHeading: boolean
}

interface Block {
  readonly line: number
  readonly isHeading: boolean
  readonly lines: readonly string[]
}

const FENCE = /^\s*(```|~~~)/
const REGION = /^<!-- (\/?)generated:[a-z-]+ -->$/
const TABLE_RULE = /^\|[\s:|-]+\|$/
const ITEM = /^\s*(?:[-*]|\d+\.)\s+/
const HEADING = /^#+\s+/
/** Stands where two lines met, so that a sentence knows its line after the text was joined. */
const BORDER = '\uE000'
/** A full stop, with what may close a sentence behind it, before something that can begin the next one. */
const SENTENCE_END = /(?<=[.!?][)"*_”’]*)\s+(?=\uE000?["“(*_[]*[\p{Lu}\p{N}`…])/u

/** The sentences of a page, in their order. */
export function sentencesOf(page: string): Sentence[] {
  return blocksOf(page.split('\n')).flatMap(sentencesOfBlock)
}

function blocksOf(lines: readonly string[]): Block[] {
  const blocks: Block[] = []
  let open: { line: number; lines: string[] } | undefined
  let isCode = false
  let isGenerated = false
  const close = (): void => {
    if (open !== undefined) blocks.push({ ...open, isHeading: false })
    open = undefined
  }
  for (const [index, text] of lines.entries()) {
    const line = index + 1
    if (FENCE.test(text)) {
      close()
      isCode = !isCode
    } else if (!isCode) {
      const region = REGION.exec(text)
      if (region !== null) isGenerated = region[1] === ''
      if (text.trim() === '' || text.startsWith('<!--')) {
        close()
      } else if (HEADING.test(text)) {
        close()
        blocks.push({ line, isHeading: true, lines: [text.replace(HEADING, '')] })
      } else if (text.startsWith('|')) {
        close()
        if (!isGenerated && !TABLE_RULE.test(text)) blocks.push(...cellsOf(text, line))
      } else if (open === undefined || ITEM.test(text)) {
        close()
        open = { line, lines: [text.replace(ITEM, '')] }
      } else {
        open.lines.push(text.trim())
      }
    }
  }
  close()
  return blocks
}

function cellsOf(row: string, line: number): Block[] {
  return row
    .slice(1, -1)
    .split(/(?<!\\)\|/)
    .map((cell) => ({ line, isHeading: false, lines: [cell.trim()] }))
}

function sentencesOfBlock({ line, isHeading, lines }: Block): Sentence[] {
  const plain = withoutMarkup(lines.join(` ${BORDER}`))
  let at = line
  const sentences: Sentence[] = []
  for (const piece of plain.split(SENTENCE_END)) {
    const begins = at + (piece.startsWith(BORDER) ? 1 : 0)
    at += piece.split(BORDER).length - 1
    const text = piece.replaceAll(BORDER, '').replace(/\s+/g, ' ').trim()
    if (text !== '') sentences.push({ line: begins, text, isHeading })
  }
  return sentences
}

function withoutMarkup(text: string): string {
  return text
    .replace(/``.+?``|`[^`]+`/g, (code) => `\`code\`${BORDER.repeat(code.split(BORDER).length - 1)}`)
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/<[^>\s][^>]*>/g, '')
    .replaceAll('**', '')
}
