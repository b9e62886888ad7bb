/**
 * A change that meets an upgrade or a renewal at any of its steps, and the judge of what comes of it: whoever is in afterwards
 * is in as somebody who comes afterwards, and nobody is in whom the gateway refuses then.
 */
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { contentHeaderFrame } from '../../proxy/codec/content.ts'
import { FRAME_HEADER } from '../../proxy/codec/frame.ts'
import { BareClient } from './bare-client.ts'
import { basic, type Door, type DoorOptions, startDoor } from './door.ts'
import { atStep } from './steps.ts'
import { forgeKey, publicJwk, signToken } from './token-forge.ts'
import { until, within } from './until.ts'

type Service = NonNullable<DoorOptions['service']>

/** What may happen to a session that was on its way in. */
interface Change {
  /** Begins at the step, and resolves when it is done. @param base what the gateway was started with */
  act(door: Door, base: DoorOptions): Promise<unknown>
  /** Whether somebody who got in before, or gets in just then, may be ended by it. */
  readonly mayEnd: boolean
}

const SERVICE: Service = {
  authenticate: ['staff', 'tickets', 'tokens'],
  permissions: [{ write: [{ exchange: 'orders' }] }],
  stamp: { userId: 'broker', appId: 'before' },
  limits: { sessionsPerIdentity: 2 },
}

const reloadTo = (changed: DoorOptions, mayEnd: boolean): Change => ({
  async act(door, base) {
    const service = { ...base.service, ...changed.service }
    const authenticators = { ...base.authenticators, ...changed.authenticators }
    await door.gateway.reload({ config: await door.configOf({ ...base, service, authenticators }) })
  },
  mayEnd,
})

const KEPT = reloadTo({}, false)
const NOBODY = reloadTo({ service: { promote: [{ when: { role: 'nobody' }, to: 'smithj' }] } }, true)

export const CHANGES: Readonly<Record<string, Change>> = {
  'nothing is changed': KEPT,
  'two reloads, the first of which refuses': {
    async act(door, base) {
      await NOBODY.act(door, base)
      await KEPT.act(door, base)
    },
    mayEnd: true,
  },
  'other stamps': reloadTo({ service: { stamp: { userId: 'broker', appId: 'after' } } }, false),
  'other rights': reloadTo({ service: { permissions: [{ write: [{ exchange: 'other' }] }] } }, false),
  'no permissions any more': reloadTo({ service: { permissions: undefined } }, false),
  'another broker user': reloadTo({ service: { promote: [{ to: 'other' }] } }, true),
  'another vhost': reloadTo({ service: { vhost: 'elsewhere' } }, true),
  'a rule that refuses': reloadTo({ service: { promote: [{ refuse: 'ask the desk' }, { to: 'smithj' }] } }, true),
  'nobody is promoted': NOBODY,
  'no address is allowed': reloadTo({ service: { require: { addresses: { deny: ['127.0.0.0/8', '::1'] } } } }, true),
  'another authenticator': reloadTo({ service: { authenticate: ['tickets', 'desk'] }, authenticators: DESK() }, true),
  'other users': reloadTo({ authenticators: { staff: DESK().desk } }, true),
  'the service is gone': reloadTo({ service: { path: '/elsewhere' } }, true),
  'a block': {
    act: async ({ gateway }) => await gateway.block({ subject: 'joe.smith', for: '1h', reason: 'left' }),
    mayEnd: true,
  },
  'a kick with a hold': {
    act: async ({ gateway }) => await gateway.kick({ match: { subject: 'joe.smith' }, hold: '1m' }),
    mayEnd: true,
  },
  'its end': { act: async ({ gateway }) => await gateway.close(), mayEnd: true },
  'a drain that is called off': {
    async act({ gateway }) {
      const drained = gateway.drain({ over: '0s', quiet: '0s', lameDuck: '0s' })
      gateway.undrain()
      await drained
    },
    mayEnd: true,
  },
}

function DESK() {
  return { desk: { type: 'basic', realm: 'Desk', users: {} } } as const
}

export const WAYS = ['password', 'ticket', 'renewal'] as const
export type Way = (typeof WAYS)[number]

export interface Moment {
  readonly change: string
  readonly way: Way
  /** The step of the way in at which the change begins; below 0: the step of the change at which the way in begins. */
  readonly step: number
}

/** Somebody who is in, and how somebody else gets in as the same. */
type In = { readonly client: BareClient; readonly again: () => Promise<In | Out>; readonly isIn: true }
type Out = { readonly why: string; readonly isIn: false }

/** Tokens of the renewal: before, and afterwards, of a person who has risen meanwhile. */
const KEY = forgeKey('ES256')
const ISSUER = 'https://login.example.com'
const TOKENS = [1, 2].map((level) => {
  const times = { iat: Math.floor(Date.now() / 1000), exp: Math.floor(Date.now() / 1000) + 36_000 }
  return signToken({ alg: KEY.alg, kid: KEY.kid }, { iss: ISSUER, aud: 'amqp', sub: 'joe.smith', level, ...times }, KEY)
}) as [string, string]

/**
 * Has the change meet the way in at that moment, and judges.
 * @param state an empty store, where the gateway is to have one
 * @returns how many steps both took
 */
export async function meet({ change, way, step }: Moment, state?: DoorOptions['state']): Promise<number> {
  const what = CHANGES[change]
  if (what === undefined) throw new TypeError(`no such change: ${change}`)
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-moments-'))
  const jwksFile = join(folder, 'keys.json')
  await writeFile(jwksFile, JSON.stringify({ keys: [publicJwk(KEY)] }), { mode: 0o600 })
  const level = { headers: { 'x-level': '${claim.level}' } }
  const base: DoorOptions = {
    state,
    service: { ...SERVICE, ...(way === 'renewal' && { stamp: { ...SERVICE.stamp, ...level } }) },
    authenticators: { tokens: { type: 'jwt', issuer: ISSUER, audience: 'amqp', jwksFile } },
  }
  const door = await startDoor({ ...base, level: 'info' })
  try {
    const comes = await wayIn(door, way)
    let met: Promise<unknown> | undefined
    const act = () => what.act(door, base)
    const [begin, meets] = step < 0 ? [act, comes] : [comes, act]
    const once = (): void => {
      met ??= meets()
    }
    const steps = atStep(Math.abs(step), once)
    const begun = begin()
    await within(begun, 'what begins')
    // It was over before that step.
    once()
    await within(met ?? Promise.resolve(), 'what meets it')
    steps.stop()
    const first = (await (step < 0 ? met : begun)) as In | Out
    await judge(door, first, { again: first.isIn ? first.again : comes, mayEnd: what.mayEnd })
    return steps.count
  } finally {
    await door.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

async function judge(
  door: Door,
  first: In | Out,
  { again, mayEnd }: { again: () => Promise<In | Out>; mayEnd: boolean },
): Promise<void> {
  const later = await again()
  if (!later.isIn) {
    await until(() => door.gateway.sessionCount === 0, `nobody is in where the next one is refused (${later.why})`)
    if (first.isIn) await within(first.client.closed, 'the end of the session')
  } else {
    // It is in, or it is told: and then it stays so.
    const isIn = first.isIn && (await termsOf(door, first.client).catch(() => undefined)) !== undefined
    assert.ok(isIn || mayEnd, `it is out although nothing refuses it (${first.isIn ? 'ended' : first.why})`)
    if (first.isIn && isIn) {
      assert.deepEqual(
        await termsOf(door, first.client),
        await termsOf(door, later.client),
        'it may do what the next one may',
      )
      const { items } = await door.gateway.sessions()
      const [one, other] = items.map(({ vhost, user, rule, roles, service, broker }) => ({
        ...{ vhost, user, rule, roles, service, broker },
      }))
      assert.deepEqual(one, other, 'its record is that of the next one')
    }
    await until(() => door.gateway.sessionCount === (isIn ? 2 : 1), 'only those that are in count')
    later.client.vanish()
  }
  if (first.isIn) first.client.vanish()
  await until(() => door.gateway.sessionCount === 0, 'all sessions have ended')
  await until(() => door.broker.connections.every(({ socket }) => socket.destroyed), 'nothing is left at the broker')
}

/** Begins when it is called. */
async function wayIn(door: Door, way: Way): Promise<() => Promise<In | Out>> {
  if (way === 'password') return async () => await enter(async () => await upgrade(door, basic()))
  if (way === 'ticket')
    return async () =>
      await enter(async () => await BareClient.upgrade(door.url(`/amqp?ticket=${await ticketOf(door)}`), {}))
  const [before, afterwards] = TOKENS
  const withToken = (token: string) => async () => await enter(async () => await upgrade(door, `Bearer ${token}`))
  const early = await withToken(before)()
  assert.ok(early.isIn, 'nothing has changed yet')
  return async () => {
    const { client } = early
    try {
      client.send('connection.update-secret', { newSecret: Buffer.from(afterwards), reason: 'fresh' })
      await client.received.method('connection.update-secret-ok')
      return { client, isIn: true, again: withToken(afterwards) }
    } catch {
      return { client, isIn: true, again: withToken(before) }
    }
  }
}

const upgrade = (door: Door, authorization: string) => BareClient.upgrade(door.url(), { headers: { authorization } })

async function enter(begin: () => Promise<BareClient>): Promise<In | Out> {
  let client: BareClient | undefined
  try {
    client = await begin()
    answerClose(client)
    await client.open()
    return { client, again: async () => await enter(begin), isIn: true }
  } catch (error) {
    client?.vanish()
    return { why: error instanceof Error ? error.message : String(error), isIn: false }
  }
}

/** As clients do. */
function answerClose(client: BareClient): void {
  const closed = client.received.method('connection.close').then(() => client.send('connection.close-ok', {}))
  closed.catch(() => undefined)
}

async function ticketOf(door: Door): Promise<string> {
  const headers = { authorization: basic() }
  const response = await fetch(door.http('/auth/ticket?service=/amqp'), { method: 'POST', headers })
  if (response.status !== 200) throw new Error(`no ticket: ${response.status}`)
  return ((await response.json()) as { ticket: string }).ticket
}

/** Class, weight, the size of a body without bytes, and no properties. */
const EMPTY = Buffer.from('003c000000000000000000000000', 'hex')

/** What becomes of a message to each exchange: what the broker gets of its properties, or the refusal. @throws where it is out */
async function termsOf(door: Door, client: BareClient): Promise<readonly string[]> {
  const terms: string[] = []
  for (const [index, exchange] of ['orders', 'other'].entries()) {
    const channel = client.received.frames.length + index + 1
    await client.channel(channel)
    const before = headersAt(door).length
    client.send('basic.publish', { exchange, routingKey: 'k', mandatory: false, immediate: false }, channel)
    client.write(contentHeaderFrame(channel, EMPTY))
    client.send('channel.close', { replyCode: 200, replyText: '', classId: 0, methodId: 0 }, channel)
    const { name, fields } = await client.received.oneOf(['channel.close', 'channel.close-ok'])
    const answer = name === 'channel.close' ? String(fields['replyText']) : headersAt(door).slice(before).join()
    terms.push(`${exchange}: ${answer}`)
  }
  return terms
}

const headersAt = ({ broker }: Door): readonly string[] =>
  broker.connections.flatMap(({ frames }) =>
    frames.filter(({ type }) => type === FRAME_HEADER).map(({ payload }) => payload.toString('latin1')),
  )
