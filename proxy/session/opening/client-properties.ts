/**
 * The two property tables of the opening handshake, as each peer may see them: the client learns the broker's product,
 * version and capabilities and nothing else; the broker learns the client's own properties, but who the client is it
 * learns from the gateway alone.
 */
import { find, type Table, type TableEntry } from '../../codec/table.ts'
import { fitBytes } from '../../faults.ts'
import type { ClientProduct, SessionIdentity } from '../ports.ts'

/** Capabilities both the broker and the gateway can honour. */
export const CAPABILITIES = [
  'publisher_confirms',
  'exchange_exchange_bindings',
  'basic.nack',
  'consumer_cancel_notify',
  'connection.blocked',
  'consumer_priorities',
  'authentication_failure_close',
  'per_consumer_qos',
  'direct_reply_to',
] as const

/** Of the client's own name in the connection's. */
const CLIENT_NAME_BYTES = 64

export const bool = (key: string, value: boolean): TableEntry => ({ key, type: 't', value })
const text = (key: string, value: string): TableEntry => ({ key, type: 'S', value: Buffer.from(value) })

/** Servers should say what they run on. It is nobody's affair: the answer is the same everywhere. [AMQP connection.start] */
const PLATFORM = text('platform', 'WebSocket')

/** What is said to a client that is going to be refused: nothing about any broker. */
export const STATIC_SERVER_PROPERTIES: Table = [
  { key: 'capabilities', type: 'F', value: [bool('authentication_failure_close', true), bool('basic.nack', true)] },
  text('product', 'Gatehouse'),
  PLATFORM,
]

/** The client's view of the broker's `server-properties`. */
export function serverProperties(broker: Table): Table {
  const offered = capabilities(broker)
  const shown = broker.filter(
    (entry, at) =>
      (entry.key === 'product' || entry.key === 'version') && broker.findIndex((e) => e.key === entry.key) === at,
  )
  return [
    {
      key: 'capabilities',
      type: 'F',
      value: CAPABILITIES.filter((name) => holds(offered, name)).map((name) => bool(name, true)),
    },
    ...shown,
    PLATFORM,
  ]
}

/** The broker's view of the client's `client-properties`: its own, less all it might say about who it is. */
export function clientProperties(client: Table, who: SessionIdentity & { session: string; brokerUser: string }): Table {
  const own = capabilities(client)
  const clientName = ownName(client)
  const kept = client.filter(
    (entry) => entry.key !== 'capabilities' && entry.key !== 'connection_name' && entry.key !== 'gatehouse',
  )
  return [
    ...kept,
    {
      key: 'capabilities',
      type: 'F',
      value: [
        ...own.filter((entry) => entry.key !== 'authentication_failure_close' && entry.key !== 'connection.blocked'),
        bool('authentication_failure_close', true),
        bool('connection.blocked', true),
      ],
    },
    text('connection_name', connectionName({ ...who, clientName })),
    {
      key: 'gatehouse',
      type: 'F',
      value: [
        text('subject', printable(who.subject)),
        text('issuer', printable(who.issuer)),
        text('session', who.session),
        text('address', who.address),
        ...(clientName === undefined ? [] : [text('connection_name', printable(clientName))]),
      ],
    },
  ]
}

interface NameParts extends Pick<SessionIdentity, 'subject' | 'address'> {
  readonly brokerUser: string
  /** The client's own, if it has one. */
  readonly clientName?: string | undefined
}

/** What the broker's connection list shows: who is behind a broker user, from where, and what the client calls itself. */
export function connectionName({ subject, address, brokerUser, clientName = '' }: NameParts): string {
  const name = `${printable(subject)} ${address} → ${printable(brokerUser)}`
  const own = quotable(clientName)
  return own === '' ? name : `${name} "${own}"`
}

/** What a client says of itself, for operators. */
export function clientProduct(client: Table): ClientProduct {
  return {
    product: textOf(client, 'product'),
    version: textOf(client, 'version'),
    connectionName: textOf(client, 'connection_name'),
  }
}

function textOf(client: Table, key: string): string {
  const entry = find(client, key)
  return entry?.type === 'S' ? fitBytes(printable(entry.value.toString('utf8', 0, 256)), 64) : ''
}

/** Of a client's properties what decides how the broker treats it, the capabilities that brokers know, and its short name. */
export function essentials(client: Table): Table {
  const own = capabilities(client)
  const known = CAPABILITIES.flatMap((name) => {
    const entry = find(own, name)
    return entry?.type === 't' ? [bool(name, entry.value)] : []
  })
  const name = ownName(client)
  return [
    { key: 'capabilities', type: 'F', value: known },
    ...(name === undefined ? [] : [text('connection_name', quotable(name))]),
  ]
}

/** Whether a peer's properties announce a capability. */
export function announces(properties: Table, capability: string): boolean {
  return holds(capabilities(properties), capability)
}

function capabilities(properties: Table): Table {
  const entry = find(properties, 'capabilities')
  return entry?.type === 'F' ? entry.value : []
}

function holds(table: Table, key: string): boolean {
  const entry = find(table, key)
  return entry?.type === 't' && entry.value
}

function ownName(client: Table): string | undefined {
  const entry = find(client, 'connection_name')
  return entry?.type === 'S' ? entry.value.toString() : undefined
}

/**
 * The client's name as its own word within the gateway's: nothing in it can end the quotation, look like an arrow of the
 * gateway's or the broker's, or turn the direction of writing.
 */
function quotable(name: string): string {
  const plain = name
    .replace(/[\p{C}\p{Zl}\p{Zp}\u2190-\u21ff\u27f0-\u27ff\u2900-\u297f\u2b00-\u2bff]|[-=]+>+/gu, '')
    .replaceAll('"', "'")
  return fitBytes(plain.trim(), CLIENT_NAME_BYTES)
}

/** Control characters have no place in what operators read in the broker's management page. */
function printable(name: string): string {
  return name.replace(/\p{Cc}/gu, '?').slice(0, 256)
}
