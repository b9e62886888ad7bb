/** Who plays in the demo, and the gateway's configuration that makes them who they are. Passwords here guard nothing. */
import { randomBytes } from 'node:crypto'
import { hashPassword } from '../../auth/index.ts'
import type { ConfigInput } from '../config/schema/schema.ts'
import type { Rabbit } from './rabbit.ts'

/** Somebody who can log in at the page. */
export interface Person {
  readonly name: string
  readonly password: string
  readonly roles: readonly string[]
  /** The broker user they become; none: nobody mapped them. */
  readonly becomes?: string
  readonly note: string
}

export const PEOPLE: readonly Person[] = [
  {
    name: 'joe.smith',
    password: 'welcome',
    roles: ['dealer'],
    becomes: 'smithj',
    note: 'mapped to a broker user of his own',
  },
  {
    name: 'ada.jones',
    password: 'welcome',
    roles: ['trader'],
    becomes: 'webuser',
    note: 'a trader: shares one broker user',
  },
  {
    name: 'bob.miller',
    password: 'welcome',
    roles: ['trader'],
    becomes: 'webuser',
    note: 'a trader: shares one broker user',
  },
  { name: 'eve.visitor', password: 'welcome', roles: [], note: 'has a password, but no promotion rule' },
]

/** Who looks at the gateway's console. */
export const OPERATORS = [
  { name: 'olivia.ops', password: 'welcome', role: 'administrator' },
  { name: 'victor.view', password: 'welcome', role: 'viewer' },
] as const

export const VHOST = 'gatehouse-demo'
export const EXCHANGE = 'orders'
export const SERVICE = '/amqp'

/** Broker users of the demo, with passwords that only this process and the broker know. */
export interface BrokerUsers {
  readonly smithj: string
  readonly webuser: string
}

/** Makes the demo's vhost, exchange and broker users. @throws when a broker that is not ours has such users already. */
export async function prepareBroker(rabbit: Rabbit): Promise<BrokerUsers> {
  const { management, admin } = rabbit
  const passwords = { smithj: randomBytes(12).toString('hex'), webuser: randomBytes(12).toString('hex') }
  if (rabbit.kind === 'external') {
    const users = (await management.request('GET', '/api/users')) as { name: string }[]
    const taken = users.find(({ name }) => name in passwords)
    if (taken) {
      throw new Error(
        `The broker at RABBITMQ_URL has a user ${taken.name} already, and the demo will not change it. ` +
          'Delete that user if a demo left it behind, or run the demo without RABBITMQ_URL.',
      )
    }
  }
  await management.addVhost(VHOST)
  await management.permit(admin.username, VHOST)
  const exchange = `/api/exchanges/${encodeURIComponent(VHOST)}/${EXCHANGE}`
  await management.request('PUT', exchange, { type: 'topic', durable: true })
  for (const [name, password] of Object.entries(passwords)) {
    await management.addUser(name, password)
    await management.permit(name, VHOST)
  }
  return passwords
}

/** Takes away what `prepareBroker` made; for brokers that go on without us. */
export async function tidyBroker(rabbit: Rabbit): Promise<void> {
  await rabbit.management.removeVhost(VHOST)
  for (const name of ['smithj', 'webuser']) await rabbit.management.removeUser(name)
}

/** Where the gateway of the demo finds the broker passwords: not in its configuration. */
export function demoSecrets(users: BrokerUsers): Readonly<Record<string, string>> {
  return { DEMO_SMITHJ: users.smithj, DEMO_WEBUSER: users.webuser }
}

/** The gateway of the demo. Origins are those of the page. */
export async function demoConfig(
  rabbit: Rabbit,
  origins: readonly string[],
  { host, port, adminPort }: { readonly host: string; readonly port: number; readonly adminPort: number },
): Promise<ConfigInput> {
  return {
    listen: { host, port },
    admin: {
      host,
      port: adminPort,
      authenticate: ['operators'],
      roles: Object.fromEntries(OPERATORS.map(({ name, role }) => [role, { subject: name }])),
    },
    brokers: {
      main: {
        urls: [`amqp://${rabbit.host.includes(':') ? `[${rabbit.host}]` : rabbit.host}:${rabbit.port}`],
        credentials: {
          smithj: { username: 'smithj', password: { env: 'DEMO_SMITHJ' } },
          webuser: { username: 'webuser', password: { env: 'DEMO_WEBUSER' } },
        },
      },
    },
    authenticators: {
      staff: { type: 'basic', realm: 'Demo', users: await accounts(PEOPLE) },
      operators: { type: 'basic', realm: 'Console', users: await accounts(OPERATORS) },
      tickets: { type: 'ticket', ttlSeconds: 30 },
    },
    services: [
      {
        path: SERVICE,
        broker: 'main',
        vhost: VHOST,
        origins: [...origins],
        authenticate: ['staff', 'tickets'],
        promote: [
          { when: { subject: 'joe.smith' }, to: 'smithj' },
          { when: { role: 'trader' }, to: 'webuser' },
        ],
        permissions: [
          {
            configure: [{ queue: '' }],
            write: [{ exchange: EXCHANGE, routingKey: `${EXCHANGE}.\${subject}.#` }],
            read: [{ exchange: EXCHANGE }],
          },
        ],
        stamp: { userId: 'broker', headers: { 'x-gatehouse-user': '${subject}' } },
      },
    ],
    drain: '1s',
  }
}

async function accounts(
  people: readonly (Pick<Person, 'name' | 'password'> & { readonly roles?: readonly string[] })[],
) {
  const made = people.map(async ({ name, password, roles = [] }) => {
    return [name, { password: await hashPassword(password), roles: [...roles] }] satisfies [string, object]
  })
  return Object.fromEntries(await Promise.all(made))
}
