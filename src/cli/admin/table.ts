/** Tables for people, and other small texts. What peers named themselves is shown without anything that moves a cursor. */

/** @param headings one for each column */
export function table(headings: readonly string[], rows: readonly (readonly unknown[])[]): string[] {
  const cells = [headings, ...rows.map((row) => row.map(cell))]
  const widths = headings.map((_, column) => Math.max(...cells.map((row) => Array.from(row[column] ?? '').length)))
  return cells.map((row) =>
    row
      .map((text, column) => text + ' '.repeat((widths[column] ?? 0) - Array.from(text).length))
      .join('  ')
      .trimEnd(),
  )
}

/** A value as it may be shown at a terminal; `-` for none. */
export function cell(value: unknown): string {
  if (value === null || value === undefined || value === '') return '-'
  if (Array.isArray(value)) return value.length === 0 ? '-' : value.map(cell).join(',')
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return text.replace(/\p{C}/gu, '?')
}

/** `1.5 KiB`. */
export function bytes(count: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  const power = Math.min(units.length - 1, count < 1024 ? 0 : Math.floor(Math.log2(count) / 10))
  const value = count / 1024 ** power
  return `${power === 0 ? Math.round(value) : value.toFixed(1)} ${units[power]}`
}

/** `3m`, since then. */
export function age(at: string, nowMs = Date.now()): string {
  const seconds = Math.max(0, Math.round((nowMs - Date.parse(at)) / 1000))
  if (seconds < 120) return `${seconds}s`
  if (seconds < 7_200) return `${Math.floor(seconds / 60)}m`
  if (seconds < 172_800) return `${Math.floor(seconds / 3_600)}h`
  return `${Math.floor(seconds / 86_400)}d`
}

export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`
}

/** Gateways that did not answer in time. */
export function notReachedLines(replicas: readonly string[]): string[] {
  return replicas.map((replica) => `not reached: ${cell(replica)}`)
}
