/** The name and the password in a client's `start-ok`, which somebody on this machine may want to see. [AMQP §2.2.4] */
import type { Fields } from '../codec/spec.ts'
import { decodeTable, find, type Table } from '../codec/table.ts'
import { ConnectionFault } from '../faults.ts'

export interface LocalLogin {
  readonly mechanism: string
  /** A copy; whoever has looked at it overwrites it. Undefined where the mechanism has none, or it could not be read. */
  readonly password: Buffer | undefined
}

export function localLogin({ mechanism, response }: Fields<'connection.start-ok'>): LocalLogin {
  if (mechanism === 'PLAIN') return { mechanism, password: plainPassword(response) }
  if (mechanism === 'AMQPLAIN') return { mechanism, password: amqplainPassword(response) }
  return { mechanism, password: undefined }
}

/** Somebody to act for, the name, the password: a zero between them. [RFC 4616 §2] */
function plainPassword(response: Buffer): Buffer | undefined {
  const name = response.indexOf(0) + 1
  const password = name === 0 ? 0 : response.indexOf(0, name) + 1
  return password === 0 ? undefined : Buffer.from(response.subarray(password))
}

/** RabbitMQ's: a table that lacks its own length. */
function amqplainPassword(response: Buffer): Buffer | undefined {
  const whole = Buffer.alloc(response.length + 4)
  whole.writeUInt32BE(response.length, 0)
  response.copy(whole, 4)
  const entry = find(tableOf(whole), 'PASSWORD')
  const password = entry?.type === 'S' ? Buffer.from(entry.value) : undefined
  whole.fill(0)
  return password
}

function tableOf(bytes: Buffer): Table {
  try {
    return decodeTable(bytes, 0, bytes.length)
  } catch (error) {
    if (error instanceof ConnectionFault) return []
    throw error
  }
}
