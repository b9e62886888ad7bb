/** Numbers and times for people. */

const COUNT = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })
const SHORT = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 })
const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'] as const

export function count(value: number): string {
  return COUNT.format(value)
}

/** `1 session`, `2 sessions`. */
export function counted(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? '' : 's'}`
}

/** With three digits that matter. */
export function short(value: number): string {
  return SHORT.format(value)
}

export function bytes(value: number): string {
  let [unit, scaled] = [0, value]
  while (scaled >= 1000 && unit < UNITS.length - 1) {
    scaled /= 1000
    unit++
  }
  return `${SHORT.format(scaled)} ${UNITS[unit]}`
}

/** The two largest units: `3 d 4 h`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  const parts: readonly (readonly [number, string])[] = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [seconds % 60, 's'],
  ]
  const first = parts.findIndex(([value]) => value > 0)
  if (first === -1) return '0 s'
  return parts
    .slice(first, first + 2)
    .filter(([value]) => value > 0)
    .map(([value, unit]) => `${value} ${unit}`)
    .join(' ')
}

/** `2026-11-29 18:05:09`, in the reader's own time zone. */
export function moment(text: string | number): string {
  const at = new Date(text)
  return `${day(at)} ${clock(at)}`
}

/** The time alone where it is today. */
export function recently(text: string | number, nowMs = Date.now()): string {
  const at = new Date(text)
  return day(at) === day(new Date(nowMs)) ? clock(at) : `${day(at)} ${clock(at)}`
}

function day(at: Date): string {
  return [at.getFullYear(), at.getMonth() + 1, at.getDate()].map(two).join('-')
}

function clock(at: Date): string {
  return [at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join(':')
}

function two(value: number): string {
  return String(value).padStart(2, '0')
}
