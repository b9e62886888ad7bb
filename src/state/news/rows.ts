/** Entries of streams, as the store answers with them. */

/** An entry: its place in the stream, and the two fields that gateways write. */
export interface StreamRow {
  readonly id: string
  readonly number: string
  readonly sealed: string
}

/** Of an answer to XREAD: by the stream's key. */
export function rowsOfStreams(answer: unknown): ReadonlyMap<string, readonly StreamRow[]> {
  if (!Array.isArray(answer)) return new Map()
  return new Map(
    answer.flatMap((stream: unknown): readonly (readonly [string, readonly StreamRow[]])[] => {
      const [key, rows] = Array.isArray(stream) ? (stream as readonly unknown[]) : []
      return typeof key === 'string' ? [[key, rowsOf(rows)]] : []
    }),
  )
}

/** Fields of another kind are passed by: somebody else has written them. */
export function rowsOf(rows: unknown): readonly StreamRow[] {
  if (!Array.isArray(rows)) return []
  return rows.flatMap((row: unknown): readonly StreamRow[] => {
    const [id, fields] = Array.isArray(row) ? (row as readonly unknown[]) : []
    const byName = fieldsOf(fields)
    return typeof id === 'string' ? [{ id, number: byName.get('n') ?? '', sealed: byName.get('s') ?? '' }] : []
  })
}

/** Names and values in turn. */
function fieldsOf(found: unknown): ReadonlyMap<string, string> {
  if (!Array.isArray(found)) return new Map()
  return new Map(
    found.flatMap((name: unknown, index): (readonly [string, string])[] =>
      index % 2 === 0 ? [[String(name), String(found[index + 1])]] : [],
    ),
  )
}

/** `<ms>-<number>` */
export function isBefore(one: string, other: string): boolean {
  const [oneMs = 0, oneNumber = 0] = one.split('-').map(Number)
  const [otherMs = 0, otherNumber = 0] = other.split('-').map(Number)
  return oneMs < otherMs || (oneMs === otherMs && oneNumber < otherNumber)
}
