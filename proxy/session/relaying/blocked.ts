/** `connection.blocked` and `connection.unblocked` from the broker, as a client may read them. */
import { checkShape, decodeMethod, indexOf, methodFrame } from '../../codec/method.ts'
import { fitShortstr } from '../../faults.ts'

const BLOCKED = indexOf('connection.blocked')
const UNBLOCKED = indexOf('connection.unblocked')

/** Whether the broker says by this method that it is under an alarm, or that it is not any more; undefined for all others. */
export function blockedBy(index: number): boolean | undefined {
  if (index === BLOCKED) return true
  return index === UNBLOCKED ? false : undefined
}

/** The same method for the client; arguments in `buffer[start, end)`. */
export function blockedFrame(index: number, buffer: Buffer, start: number, end: number): Buffer {
  if (index === UNBLOCKED) return methodFrame(0, 'connection.unblocked', {})
  const { reason } = decodeMethod('connection.blocked', buffer, start, end, checkShape)
  return methodFrame(0, 'connection.blocked', { reason: fitShortstr(reason) })
}
