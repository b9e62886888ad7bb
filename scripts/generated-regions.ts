/**
 * Parts of the documentation that are derived from code. A region is a pair of comments in a page,
 * `<!-- generated:NAME -->` and `<!-- /generated:NAME -->`; what stands between them is written by a function.
 *
 * Pure text in, text out: reading and writing files is scripts/docs.ts. A marker nobody renders, a region without its
 * markers and an unfinished pair are errors, so that a page cannot silently fall out of step.
 */

export interface Region {
  /** The page, relative to the repository. */
  readonly page: string
  readonly name: string
  /** Markdown, without the markers and without blank lines around it. */
  readonly render: () => string | Promise<string>
}

const opening = (name: string): string => `<!-- generated:${name} -->`
const closing = (name: string): string => `<!-- /generated:${name} -->`
const ANY_MARKER = /^<!-- (\/?)generated:([a-z-]+) -->$/gm

/**
 * The page's text with all its regions rendered.
 * @throws Error naming the page and the marker that has no region, or the region that has no marker.
 */
export async function fillRegions(page: string, text: string, regions: readonly Region[]): Promise<string> {
  const mine = regions.filter((region) => region.page === page)
  for (const [, , name] of text.matchAll(ANY_MARKER)) {
    if (!mine.some((region) => region.name === name)) {
      throw new Error(`${page}: no region is called "${name}"; add it to scripts/regions.ts, or remove the marker`)
    }
  }
  let filled = text
  for (const region of mine) filled = replaceRegion(page, filled, region.name, await region.render())
  return filled
}

function replaceRegion(page: string, text: string, name: string, content: string): string {
  const start = text.indexOf(opening(name))
  const end = text.indexOf(closing(name))
  if (start === -1 || end === -1 || end < start) {
    throw new Error(`${page}: expected the lines ${opening(name)} and ${closing(name)}, in this order`)
  }
  if (text.indexOf(opening(name), start + 1) !== -1) throw new Error(`${page}: two regions are called "${name}"`)
  return `${text.slice(0, start)}${opening(name)}\n\n${content.trim()}\n\n${text.slice(end)}`
}

/** A Markdown table; pipes inside cells are escaped. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}
