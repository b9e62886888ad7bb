/**
 * Checking a method's arguments in place, by steps compiled from the METHODS table when this module loads.
 *
 * What passes is canonical: exact length, undefined bits zero, short strings UTF-8, tables well-formed; so that gateway
 * and broker cannot read the same bytes differently. Allocates nothing unless it throws. What comes from the broker is
 * held to its shape only.
 */
import { causeOf, type FieldLayout, LAYOUTS, METHOD_NAMES } from './layout.ts'
import { scanTable } from './scan.ts'
import { FLAW, flawFault, scanLongstr, scanShortstr, skipShortstr } from './wire.ts'

// A step is two numbers: what comes, and how many bytes of it or which of its bits are undefined.
const FIXED = 0
const SHORTSTR = 1
const LONGSTR = 2
const TABLE = 3
const BITS = 4

const FIXED_BYTES = { octet: 1, short: 2, long: 4, longlong: 8, timestamp: 8 } as const

interface Compiled {
  readonly steps: Uint8Array
  /** The field that each step begins with, for the text of a fault. */
  readonly fields: readonly string[]
}

function compile(layout: readonly FieldLayout[]): Compiled {
  const steps: number[] = []
  const fields: string[] = []
  const step = (field: string, what: number, operand: number): void => {
    steps.push(what, operand)
    fields.push(field)
  }
  layout.forEach(({ name, type, bit }, position) => {
    switch (type) {
      case 'shortstr':
        step(name, SHORTSTR, 0)
        break
      case 'longstr':
        step(name, LONGSTR, 0)
        break
      case 'table':
        step(name, TABLE, 0)
        break
      case 'bit': {
        const next = layout[position + 1]
        if (next?.type === 'bit' && next.bit > 0) break
        step(name, BITS, 0xff & ~(2 ** (bit + 1) - 1))
        break
      }
      default:
        step(name, FIXED, FIXED_BYTES[type])
    }
  })
  return { steps: Uint8Array.from(steps), fields }
}

const COMPILED: readonly Compiled[] = LAYOUTS.map(compile)
const STEPS: readonly Uint8Array[] = COMPILED.map(({ steps }) => steps)

/**
 * Checks the arguments of the method with this index, from `start` (behind its ids) to `end` (of the payload).
 * @throws ConnectionFault frame-error for a wrong length, syntax-error for a value that is not canonical; it names
 * method and field, never a value
 */
export function checkMethod(index: number, buffer: Buffer, start: number, end: number): void {
  walk(index, buffer, start, end, scanShortstr)
}

/**
 * As `checkMethod`, but short strings may be any bytes. For methods from the broker, which lets publishers have any
 * routing key and cuts long reply texts between bytes: a session must not end for that. @throws as `checkMethod`
 */
export function checkShape(index: number, buffer: Buffer, start: number, end: number): void {
  walk(index, buffer, start, end, skipShortstr)
}

type Scan = (buffer: Buffer, offset: number, end: number) => number

function walk(index: number, buffer: Buffer, start: number, end: number, shortstr: Scan): void {
  const steps = STEPS[index] as Uint8Array
  let at = start
  for (let step = 0; step < steps.length; step += 2) {
    const operand = steps[step + 1] as number
    const from = at
    switch (steps[step]) {
      case SHORTSTR:
        at = shortstr(buffer, from, end)
        break
      case LONGSTR:
        at = scanLongstr(buffer, from, end)
        break
      case TABLE:
        at = scanTable(buffer, from, end)
        break
      case BITS:
        at = from >= end ? FLAW.short : ((buffer[from] as number) & operand) === 0 ? from + 1 : FLAW.bits
        break
      default:
        at = from + operand > end ? FLAW.short : from + operand
    }
    if (at < 0) throw flawAt(index, step / 2, at)
  }
  if (at !== end) throw flawFault(FLAW.long, METHOD_NAMES[index] as string, causeOf(index))
}

function flawAt(index: number, step: number, flaw: number): Error {
  return flawFault(flaw, `${COMPILED[index]?.fields[step]} of ${METHOD_NAMES[index]}`, causeOf(index))
}
