/**
 * The `start` that a client gets from the passage itself, where the gateway's own is late or will never arrive. Clients
 * decide by its capabilities what they may ask for; so it names those that every broker in use has.
 */
import { methodFrame } from '../codec/method.ts'
import { bool, CAPABILITIES, STATIC_SERVER_PROPERTIES } from '../session/opening/client-properties.ts'

export function ownStart(): Buffer {
  return methodFrame(0, 'connection.start', {
    versionMajor: 0,
    versionMinor: 9,
    serverProperties: [
      { key: 'capabilities', type: 'F', value: CAPABILITIES.map((name) => bool(name, true)) },
      ...STATIC_SERVER_PROPERTIES.filter(({ key }) => key !== 'capabilities'),
    ],
    mechanisms: Buffer.from('PLAIN AMQPLAIN'),
    locales: Buffer.from('en_US'),
  })
}
