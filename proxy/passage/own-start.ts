/**
 * The `start` that a client gets from the passage itself, where the gateway's own is late or will never arrive. Clients
 * decide by its capabilities what they may ask for; so it names those that every broker in use has.
 */
import { FRAME_HEADER_BYTES } from '../codec/frame.ts'
import { decodeMethod, METHOD_IDS_BYTES, methodFrame } from '../codec/method.ts'
import { bool, CAPABILITIES, STATIC_SERVER_PROPERTIES } from '../session/opening/client-properties.ts'

/** Those that show a password. */
const MECHANISMS = Buffer.from('PLAIN AMQPLAIN')

export function ownStart(): Buffer {
  return methodFrame(0, 'connection.start', {
    versionMajor: 0,
    versionMinor: 9,
    serverProperties: [
      { key: 'capabilities', type: 'F', value: CAPABILITIES.map((name) => bool(name, true)) },
      ...STATIC_SERVER_PROPERTIES.filter(({ key }) => key !== 'capabilities'),
    ],
    mechanisms: MECHANISMS,
    locales: Buffer.from('en_US'),
  })
}

/**
 * A gateway's `start`, a whole frame, for clients that have to show a password: some take the first mechanism that they know.
 * @throws ConnectionFault where it cannot be read
 */
export function startForPasswords(start: Buffer): Buffer {
  const payloadEnd = start.length - 1
  const fields = decodeMethod('connection.start', start, FRAME_HEADER_BYTES + METHOD_IDS_BYTES, payloadEnd)
  return methodFrame(0, 'connection.start', { ...fields, mechanisms: MECHANISMS })
}
