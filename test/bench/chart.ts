/** Processor time for each message as bars, one group for each scenario: an SVG for docs/performance.md. */
import type { Row } from './report.ts'

const FIGURE = 'µs of processor each'
const COLOURS = ['#8a8f98', '#c9a227', '#2f6f9f', '#2a9d8f', '#7a4fa3', '#b5523b']
const BAR = { height: 14, gap: 3 }
const LEFT = 190
const WIDTH = 820

export function chart(all: readonly Row[]): string {
  const bars = all.filter(({ figure, median }) => figure === FIGURE && median > 0)
  const relays = [...new Set(bars.map(({ relay }) => relay))]
  const scenarios = [...new Set(bars.map(({ scenario }) => scenario))]
  const parts: string[] = []
  let y = 30
  for (const scenario of scenarios) {
    const group = bars.filter((row) => row.scenario === scenario)
    const most = Math.max(...group.map(({ median }) => median))
    parts.push(`<text x="0" y="${y}" font-weight="bold">${escaped(scenario)}</text>`)
    y += 8
    for (const row of group) {
      const width = ((WIDTH - LEFT - 70) * row.median) / most
      const colour = COLOURS[relays.indexOf(row.relay) % COLOURS.length]
      parts.push(
        `<text x="${LEFT - 8}" y="${y + BAR.height - 3}" text-anchor="end">${escaped(row.relay)}</text>`,
        `<rect x="${LEFT}" y="${y}" width="${width.toFixed(1)}" height="${BAR.height}" fill="${colour}" rx="2"/>`,
        `<text x="${(LEFT + width + 6).toFixed(1)}" y="${y + BAR.height - 3}">${row.median.toFixed(1)}</text>`,
      )
      y += BAR.height + BAR.gap
    }
    y += 24
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y}" font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${y}" fill="#ffffff"/>`,
    `<text x="0" y="12">Processor time of the relay alone for each message or session, in microseconds</text>`,
    ...parts,
    '</svg>\n',
  ].join('\n')
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}
