/**
 * What the METHODS table implies, worked out once when this module loads: the dense index of methods, its look-ups, and
 * where each bit of each method lies in its octet. A method's place in METHODS is its index, for slots and counters.
 */
import type { Cause } from '../faults.ts'
import { METHODS, type MethodName, type MethodSpec } from './spec.ts'
import type { WireType } from './value.ts'

/** All methods; a method's position is its index. */
export const METHOD_NAMES: readonly MethodName[] = Object.keys(METHODS) as MethodName[]

export const METHOD_COUNT: number = METHOD_NAMES.length

/** Class id and method id, before the arguments. */
export const METHOD_IDS_BYTES = 4

/** The specification of each method, by index. */
export const SPECS: readonly MethodSpec[] = METHOD_NAMES.map((name) => METHODS[name])

const INDEXES: ReadonlyMap<string, number> = new Map(METHOD_NAMES.map((name, index) => [name, index]))

// All ids are below 128, so two of them make a place in a small table.
const PLACES: Int8Array = new Int8Array(128 * 128).fill(-1)
SPECS.forEach(({ id: [classId, methodId] }, index) => {
  PLACES[classId * 128 + methodId] = index
})

/** The index of a method by its ids, or -1 for ids that no method has. */
export function methodIndex(classId: number, methodId: number): number {
  return classId < 128 && methodId < 128 ? (PLACES[classId * 128 + methodId] as number) : -1
}

/** The index of the method whose ids begin the payload at `start`, or -1 for unknown ids or fewer than four bytes. */
export function methodIndexAt(buffer: Buffer, start: number, end: number): number {
  if (end - start < METHOD_IDS_BYTES) return -1
  const classId = ((buffer[start] as number) << 8) | (buffer[start + 1] as number)
  const methodId = ((buffer[start + 2] as number) << 8) | (buffer[start + 3] as number)
  return methodIndex(classId, methodId)
}

/** The index of a method by its name. @throws RangeError for a name that no method has */
export function indexOf(name: string): number {
  const index = INDEXES.get(name)
  if (index === undefined) throw new RangeError('no such method')
  return index
}

const FROM_CLIENT: readonly boolean[] = SPECS.map(({ from }) => from !== 'broker')
const FROM_BROKER: readonly boolean[] = SPECS.map(({ from }) => from !== 'client')
const WITH_CONTENT: readonly boolean[] = SPECS.map(({ content }) => content === true)
const CAUSES: readonly Cause[] = SPECS.map(({ id: [classId, methodId] }) => ({ classId, methodId }))

/** Whether a client may send the method with this index. */
export function isFromClient(index: number): boolean {
  return FROM_CLIENT[index] === true
}

/** Whether a broker may send the method with this index. */
export function isFromBroker(index: number): boolean {
  return FROM_BROKER[index] === true
}

/** Whether a content header follows the method with this index. */
export function carriesContent(index: number): boolean {
  return WITH_CONTENT[index] === true
}

/** The ids that a `close` names as its cause, for the method with this index. */
export function causeOf(index: number): Cause {
  return CAUSES[index] ?? { classId: 0, methodId: 0 }
}

export interface FieldLayout {
  readonly name: string
  readonly type: WireType
  /** For bits: the place in their octet; 0 begins an octet. */
  readonly bit: number
}

function layoutOf({ fields }: MethodSpec): readonly FieldLayout[] {
  let bit = 0
  return Object.entries(fields).map(([name, type]) => {
    const field = { name, type, bit: bit % 8 }
    bit = type === 'bit' ? bit + 1 : 0
    return field
  })
}

/** The fields of each method in wire order, by index. */
export const LAYOUTS: readonly (readonly FieldLayout[])[] = SPECS.map(layoutOf)
