/** Where abuse takes place: a broker with exchanges of its own, and a gateway as an operator would have it. */
import { connect } from 'amqplib'
import { hashPassword } from '../../auth/index.ts'
import type { Rabbit } from '../../src/demo/rabbitmq.ts'
import type { ConfigInput } from '../../src/index.ts'
import type { Certificate } from '../support/certificates.ts'

export const TARGET_USER = `Basic ${Buffer.from('joe.smith:welcome').toString('base64')}`

/** Patterns with several hashes, so that matching them is work. */
const PERMISSIONS = [
  {
    for: {},
    configure: [{ queue: 'abuse.*' }],
    write: [
      { queue: 'abuse.*' },
      { exchange: 'abuse.drop', routingKey: 'abuse.#' },
      { exchange: 'abuse.all', routingKey: 'abuse.#' },
      { exchange: 'abuse.wild', routingKey: 'a.#.b.#.c.#.d.#.b.#.e' },
    ],
    read: [
      { queue: 'abuse.*' },
      { exchange: 'abuse.all', routingKey: '#' },
      { exchange: 'abuse.wild', routingKey: 'a.#.b.#.c.#.d.#.b.#.e' },
    ],
  },
]

/** The user that everybody becomes, and what the abuses publish to. */
export async function prepare(rabbit: Rabbit): Promise<void> {
  await rabbit.management.addUser('abuse', 'abuse')
  await rabbit.management.permit('abuse', '/')
  const connection = await connect(rabbit.url)
  const channel = await connection.createChannel()
  await channel.assertExchange('abuse.drop', 'topic')
  await channel.assertExchange('abuse.all', 'fanout')
  await channel.assertExchange('abuse.wild', 'topic')
  await channel.assertQueue('abuse.wild')
  await connection.close()
}

interface Surroundings {
  readonly abused: Rabbit
  /** The bystander's. */
  readonly quiet: Rabbit
  /** The abused one, by a way that can be made to stall. */
  readonly stalledUrl: string
  /** For the listener with TLS. */
  readonly certificate: Certificate
}

/** Defaults and permissions; a path for each broker. */
export async function config({ abused, quiet, stalledUrl, certificate }: Surroundings): Promise<ConfigInput> {
  const service = {
    vhost: '/',
    authenticate: ['staff'],
    promote: [{ to: { username: 'abuse', password: 'abuse' } }],
    permissions: PERMISSIONS,
  }
  return {
    listen: [
      { host: '127.0.0.1', port: 0 },
      { host: '127.0.0.1', port: 0, tls: { cert: certificate.certFile, key: certificate.keyFile } },
    ],
    admin: { host: '127.0.0.1', port: 0 },
    brokers: {
      abused: { urls: [`amqp://${abused.host}:${abused.port}`] },
      quiet: { urls: [`amqp://${quiet.host}:${quiet.port}`] },
      stalling: { urls: [stalledUrl] },
    },
    authenticators: {
      staff: { type: 'basic', users: { 'joe.smith': { password: await hashPassword('welcome') } } },
    },
    services: [
      { path: '/amqp', broker: 'abused', ...service },
      { path: '/bystander', broker: 'quiet', ...service },
      { path: '/stalled', broker: 'stalling', ...service },
    ],
  }
}
