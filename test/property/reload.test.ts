/**
 * What holds for any two configurations and whoever is connected: a dry run counts what the reload does, a session that goes on
 * may do what a new one of the same person may do, and one that ends would not be let in as what it was.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import fc from 'fast-check'
import { hashPassword, type Identity } from '../../auth/index.ts'
import { ContentHeader } from '../../proxy/codec/content.ts'
import type { ConfigInput } from '../../src/config/schema/schema.ts'
import type { PromotedTerms, Service } from '../../src/services/service.ts'
import { exchangeDeclare, type FilterSession, queueBind, queueDeclare } from '../support/filter-session.ts'
import { JudgedGateway, JudgedSession, type Visitor } from '../support/judged-sessions.ts'

const PAIRS = 500
const [HERE, THERE] = ['https://app.example.com', 'https://other.example.com']

type ServiceInput = ConfigInput['services'][number]
type PermissionInput = NonNullable<ServiceInput['permissions']>[number]

const identity = (subject: string, authenticator: string, roles: readonly string[]): Identity => ({
  issuer: authenticator,
  subject,
  authenticator,
  roles,
  claims: {},
  fromCookie: false,
})
const VISITORS: readonly Visitor[] = [
  { identity: identity('ann', 'staff', ['trader']), origin: HERE, address: '203.0.113.7' },
  { identity: identity('ann', 'staff', ['trader']), origin: undefined, address: '203.0.113.8' },
  { identity: identity('bob', 'staff', ['clerk']), origin: THERE, address: '203.0.113.7' },
  { identity: identity('cy', 'desk', ['trader', 'clerk']), origin: undefined, address: '203.0.113.8' },
  { identity: identity('dee', 'desk', []), origin: HERE, address: '203.0.113.9' },
]

const some = <T>(...values: T[]) => fc.subarray(values)
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined, freq: 2 })

const patterns = {
  queues: some({ queue: 'q.*' }, { queue: 'q.${subject}' }, { queue: '*' }),
  keys: some({ exchange: 'ex', routingKey: 'a.#' }, { exchange: 'ex2' }, { exchange: '*', routingKey: '${subject}.*' }),
}
const permission: fc.Arbitrary<PermissionInput> = fc.record({
  for: maybe(fc.constantFrom({ role: 'trader' }, { role: 'clerk' }, { subject: 'ann' })),
  configure: patterns.queues,
  read: patterns.queues,
  write: patterns.keys,
})

const promote: fc.Arbitrary<ServiceInput['promote']> = fc
  .array(
    fc.constantFrom<ServiceInput['promote'][number]>(
      { when: { subject: 'ann' }, to: 'one' },
      { when: { role: 'trader' }, to: 'two' },
      { when: { role: 'trader' }, to: 'one', limits: { message: '1MiB' } },
      { when: { role: 'clerk' }, refuse: 'closed' },
      { when: { authenticator: 'desk' }, to: 'one', vhost: 'desk' },
    ),
    { maxLength: 3 },
  )
  .chain((rules) => fc.constantFrom('one', 'two').map((to) => [...rules, { to }]))

const service: fc.Arbitrary<ServiceInput> = fc.record({
  path: fc.constantFrom('/amqp', '/amqp', '/amqp', '/amqp', '/amqp', '/elsewhere'),
  broker: fc.constant('main'),
  vhost: fc.constantFrom('/', '/', '/', 'two'),
  origins: some(HERE, THERE),
  authenticate: fc.subarray(['staff', 'desk'], { minLength: 1 }),
  require: fc.record({
    roles: fc.constantFrom<string[][]>([], [], ['trader']),
    addresses: fc.constantFrom({}, {}, { deny: ['203.0.113.7'] }),
  }),
  promote,
  permissions: maybe(fc.array(permission, { maxLength: 3 })),
  enforce: fc.constantFrom(true, true, false),
  stamp: maybe(
    fc.record({ userId: fc.constantFrom('broker' as const, 'remove' as const), appId: fc.constantFrom('a', 'b') }),
  ),
  audit: fc.record({ include: some('publish' as const, 'declare' as const) }),
  limits: fc.record({
    message: fc.constantFrom('16MiB', '1KiB'),
    perIdentity: maybe(fc.record({ queues: fc.constantFrom(1, 2) })),
  }),
})

const users = { ann: { password: '' }, bob: { password: '' }, cy: { password: '' }, dee: { password: '' } }
const config = fc
  .record({ only: service, username: fc.constantFrom('u1', 'u1', 'u1b'), basePath: maybe(fc.constant('/gate')) })
  .map(
    ({ only, username, basePath }): ConfigInput => ({
      listen: { port: 0 },
      basePath,
      brokers: {
        main: {
          urls: ['amqp://127.0.0.1'],
          credentials: {
            one: { username, password: { env: 'SECRET' } },
            two: { username: 'u2', password: { env: 'SECRET' } },
          },
        },
      },
      authenticators: { staff: { type: 'basic', users }, desk: { type: 'basic', users } },
      services: [only],
    }),
  )

/** As the upgrade decides; the test's own words. */
async function admitted(service: Service | undefined, visitor: Visitor): Promise<PromotedTerms | undefined> {
  if (service === undefined) return undefined
  const { identity, origin, address } = visitor
  const proves = service.requirement.some((entry) => !('all' in entry) && entry.name === identity.authenticator)
  const isFit = service.roles.every((role) => identity.roles.includes(role)) && service.addresses.allows(address)
  if (!proves || !isFit || (origin !== undefined && !service.origins.allows(origin))) return undefined
  try {
    return await service.promote(identity, { sessionId: 's', address, deadlineMs: 1_000 })
  } catch {
    return undefined
  }
}

/** What somebody may do: the largest message, what the filters make of a day's work, and what is written down of it. */
function allowed(session: JudgedSession, lines: string[]): unknown {
  lines.length = 0
  const outcomes = done(session.filters)
  const events = lines.map((line) => (JSON.parse(line) as { event: string }).event)
  // Refusals are written down so often in a time, whoever is refused.
  return { largest: session.messageBytes, outcomes, events: events.filter((event) => !event.endsWith('refused')) }
}

function done(session: FilterSession): unknown {
  const outcomes = [
    session.send('queue.declare', queueDeclare('q.ann')),
    session.send('queue.declare', queueDeclare('other')),
    session.send('exchange.declare', exchangeDeclare('ex')),
    session.send('queue.bind', queueBind('q.1', 'ex', 'a.b')),
    session.send('basic.consume', {
      queue: 'q.1',
      consumerTag: 'tag',
      noLocal: false,
      noAck: false,
      exclusive: false,
      noWait: false,
      arguments: [],
    }),
    session.send('basic.get', { queue: 'q.bob', noAck: true }),
    session.publish('ex', 'a.b'),
    session.publish('ex', 'ann.b'),
    session.publish('ex2', 'c', { userId: 'somebody' }),
    session.publish('', 'q.1'),
  ]
  // What it holds of its person's shares is free again.
  session.end()
  return outcomes.map((outcome) => {
    if (outcome.kind === 'refused' || outcome.rewritten === undefined) return outcome
    const { rewritten } = outcome
    if (!(rewritten instanceof ContentHeader)) return { kind: outcome.kind, rewritten }
    return { kind: outcome.kind, userId: rewritten.property('userId'), appId: rewritten.property('appId') }
  })
}

const TERMS = ['permissions', 'enforce', 'stamp', 'audit', 'limits'] as const
/** What the second configuration of a pair takes from another one; the rest is as in the first. */
const DIFFERENCES = ['nothing', 'terms', 'all', ...TERMS] as const

/** The same admission, other terms. */
function withTermsOf(one: ConfigInput, { services: [other] }: ConfigInput, names: readonly string[]): ConfigInput {
  const terms = Object.fromEntries(Object.entries(other ?? {}).filter(([name]) => names.includes(name)))
  return { ...one, services: one.services.map((each) => ({ ...each, ...terms })) }
}

function second(one: ConfigInput, other: ConfigInput, differs: (typeof DIFFERENCES)[number]): ConfigInput {
  if (differs === 'all') return other
  if (differs === 'nothing') return { ...one, drain: '1s' }
  return withTermsOf(one, other, differs === 'terms' ? TERMS : [differs])
}

const opened = (session: JudgedSession): JudgedSession => {
  session.filters.send('channel.open', {})
  return session
}

before(async () => {
  const password = await hashPassword('secret', { ln: 10, r: 8, p: 1 })
  for (const user of Object.values(users)) user.password = password
})

describe('a reload', () => {
  const gateways: JudgedGateway[] = []
  after(() => {
    for (const gateway of gateways) gateway.close()
  })

  it(`does what its dry run counted, and leaves each session what a new one has (${PAIRS} pairs)`, async () => {
    const seen = { kept: 0, changed: 0, ended: 0 }
    await fc.assert(
      fc.asyncProperty(config, config, fc.constantFrom(...DIFFERENCES), async (one, other, differs) => {
        const gateway = new JudgedGateway({ SECRET: 'secret' })
        gateways.push(gateway)
        await gateway.start(one)
        const present = gateway.current.services.get('/amqp')
        for (const [index, visitor] of VISITORS.entries()) {
          const promoted = await admitted(present, visitor)
          if (present !== undefined && promoted !== undefined)
            gateway.sessions.add(opened(new JudgedSession(String(index), present, visitor, promoted)))
        }
        const all = [...gateway.sessions]
        const next = second(one, other, differs)

        const dry = await gateway.reload(next, true)
        assert.equal(gateway.sessions.size, all.length)
        const real = await gateway.reload(next)

        assert.deepEqual(real.sessions, dry.sessions)
        assert.deepEqual([real.hash, real.generation, real.changes], [dry.hash, dry.generation, dry.changes])
        assert.equal(real.sessions.ended, all.length - gateway.sessions.size)
        const service = gateway.current.services.get('/amqp')
        for (const session of all) {
          const promoted = await admitted(service, session.visitor)
          const { user, vhost } = session.record
          const isAsBefore =
            promoted !== undefined &&
            promoted.credential.username === user &&
            'pinned' in promoted.vhosts &&
            promoted.vhosts.pinned === vhost
          assert.equal(gateway.sessions.has(session), isAsBefore, JSON.stringify(session.record))
          if (!isAsBefore || service === undefined) continue
          const fresh = opened(new JudgedSession('new', service, session.visitor, promoted))
          assert.deepEqual(allowed(session, gateway.lines), allowed(fresh, gateway.lines))
        }
        for (const outcome of ['kept', 'changed', 'ended'] as const) seen[outcome] += real.sessions[outcome]
      }),
      { numRuns: PAIRS },
    )
    assert.ok(seen.kept > 50 && seen.changed > 50 && seen.ended > 50, JSON.stringify(seen))
  })
})
