/** "Did you mean": the known word that a mistyped one most likely stands for. */

/** Steps of inserting, removing, replacing or swapping neighbours that make one text of another. */
function distance(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row]
    for (let column = 1; column <= b.length; column += 1) {
      const same = a[row - 1] === b[column - 1]
      let steps = Math.min(
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (same ? 0 : 1),
      )
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        steps = Math.min(steps, (beforeLast[column - 2] ?? 0) + 1)
      }
      current.push(steps)
    }
    beforeLast = last
    last = current
  }
  return last[b.length] ?? 0
}

/** The known word nearest to the given one, if any is near: a third of its letters, two for short ones. */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  const lower = word.slice(0, 64).toLowerCase()
  const farthest = Math.max(2, Math.floor(lower.length / 3))
  let best: { word: string; steps: number } | undefined
  for (const candidate of known) {
    const steps = distance(lower, candidate.toLowerCase())
    if (steps <= farthest && steps < candidate.length && (best === undefined || steps < best.steps))
      best = { word: candidate, steps }
  }
  return best?.word
}

/** `; did you mean "promote"?`, else `; known: a, b, c`, else nothing. */
export function suggestion(word: string, known: readonly string[]): string {
  const near = nearest(word, known)
  if (near !== undefined) return `; did you mean ${JSON.stringify(near)}?`
  return known.length > 0 ? `; known: ${known.join(', ')}` : ''
}

/** The word that `suggestion` suggests, out of a text that ends with it. */
export function suggestedIn(text: string): string | undefined {
  return /; did you mean "([^"]*)"\?$/.exec(text)?.[1]
}
