import type { Finding } from './issues.ts'

/** More places than these are counted, not shown: nobody reads thousands of lines that say the same. */
const SHOWN_PLACES = 3

/** Of findings with the same text the first few remain; the last of those says how many more places there are. */
export function foldAlike(findings: readonly Finding[]): readonly Finding[] {
  const counts = new Map<string, number>()
  for (const { message } of findings) counts.set(message, (counts.get(message) ?? 0) + 1)
  const seen = new Map<string, number>()
  return findings.flatMap((finding) => {
    const number = (seen.get(finding.message) ?? 0) + 1
    seen.set(finding.message, number)
    const moreCount = (counts.get(finding.message) ?? 0) - SHOWN_PLACES
    if (number > SHOWN_PLACES) return []
    if (number < SHOWN_PLACES || moreCount <= 0) return [finding]
    return [
      { ...finding, message: `${finding.message} (and at ${moreCount} more ${moreCount === 1 ? 'place' : 'places'})` },
    ]
  })
}
