/**
 * The configuration behind `serve --broker … --user …`: one path, HTTP Basic and tickets, each user mapped to a broker
 * user. For tests: it is what a file would say, built in memory.
 */
import { hashPassword } from '../../auth/index.ts'
import type { ConfigInput } from '../config/schema/schema.ts'
import { UsageError } from './exit.ts'

export interface QuickOptions {
  readonly brokers: readonly string[]
  readonly users: readonly string[]
  readonly host: string
  readonly port: number
  readonly path: string
  readonly vhost: string
  readonly origins: readonly string[]
  readonly logLevel: string | undefined
}

/** `joe:welcome=smithj:secret`, taken apart. */
interface QuickUser {
  readonly name: string
  readonly password: string
  readonly brokerUser: string
  readonly brokerPassword: string
}

/** The user's own password ends at the first `=`; the broker's may hold anything. @throws UsageError, showing nothing */
function readUser(text: string): QuickUser {
  const [, name, password, brokerUser, brokerPassword] = /^([^:=]+):([^=]+)=([^:]+):(.+)$/s.exec(text) ?? []
  if (!name || !password || !brokerUser || !brokerPassword) {
    throw new UsageError('expected --user NAME:PASSWORD=BROKER_USER:BROKER_PASSWORD', { command: 'serve' })
  }
  return { name, password, brokerUser, brokerPassword }
}

/** @throws UsageError */
export async function quickConfig(options: QuickOptions): Promise<ConfigInput> {
  const users = options.users.map(readUser)
  const twice = users.find(({ name }, index) => users.findIndex((other) => other.name === name) !== index)
  if (twice) throw new UsageError(`serve: --user ${JSON.stringify(twice.name)} is there twice`, { command: 'serve' })
  const hashes = await Promise.all(
    users.map(async ({ name, password }) => [name, await hashPassword(password)] as const),
  )
  return {
    listen: { host: options.host, port: options.port },
    ...(options.logLevel === undefined ? {} : { log: { level: options.logLevel as 'info' } }),
    brokers: { broker: { urls: [...options.brokers] } },
    authenticators: {
      users: { type: 'basic', users: Object.fromEntries(hashes.map(([name, password]) => [name, { password }])) },
      tickets: { type: 'ticket' },
    },
    services: [
      {
        path: options.path,
        broker: 'broker',
        vhost: literal(options.vhost),
        origins: [...options.origins],
        authenticate: ['users', 'tickets'],
        promote: users.map(({ name, brokerUser, brokerPassword }) => ({
          when: { subject: literal(name) },
          to: { username: literal(brokerUser), password: literal(brokerPassword) },
        })),
      },
    ],
  }
}

/** Nothing in it is filled in. */
function literal(text: string): string {
  return text.replaceAll('${', () => '$${')
}
