/**
 * A change that meets an upgrade at any of its steps, and the judge of what comes of it: whoever is in afterwards is in as
 * somebody who comes afterwards, and nobody is in whom the gateway refuses then.
 */
import assert from 'node:assert/strict'
import { contentHeaderFrame } from '../../proxy/codec/content.ts'
import { FRAME_HEADER } from '../../proxy/codec/frame.ts'
import type { SessionPage } from '../../src/admin/shapes.ts'
import { BareClient } from './bare-client.ts'
import { basic, type Door, type DoorOptions, startDoor } from './door.ts'
import { atStep } from './steps.ts'
import { until, within } from './until.ts'

type Service = NonNullable<DoorOptions['service']>

/** What may happen to a session that was on its way in. */
interface Change {
  /** Begins at the step, and resolves when it is done. */
  act(door: Door): Promise<unknown>
  /** Whether somebody who got in before, or gets in just then, may be ended by it. */
  readonly mayEnd: boolean
}

const SERVICE: Service = {
  permissions: [{ write: [{ exchange: 'orders' }] }],
  stamp: { userId: 'broker', appId: 'before' },
  limits: { sessionsPerIdentity: 2 },
}

const reloadTo = (changed: DoorOptions, mayEnd: boolean): Change => ({
  async act(door) {
    const config = await door.configOf({ ...changed, service: { ...SERVICE, ...changed.service } })
    await door.gateway.reload({ config })
  },
  mayEnd,
})

const KEPT = {
  act: async (door: Door) => await door.gateway.reload({ config: await door.configOf({ service: SERVICE }) }),
}

export const CHANGES: Readonly<Record<string, Change>> = {
  'nothing is changed': { ...KEPT, mayEnd: false },
  'two reloads, the first of which refuses': {
    async act(door) {
      await reloadTo({ service: { promote: [{ when: { role: 'nobody' }, to: 'smithj' }] } }, true).act(door)
      await KEPT.act(door)
    },
    mayEnd: true,
  },
  'other stamps': reloadTo({ service: { stamp: { userId: 'broker', appId: 'after' } } }, false),
  'other rights': reloadTo({ service: { permissions: [{ write: [{ exchange: 'other' }] }] } }, false),
  'no permissions any more': reloadTo({ service: { permissions: undefined } }, false),
  'another broker user': reloadTo({ service: { promote: [{ to: 'other' }] } }, true),
  'another vhost': reloadTo({ service: { vhost: 'elsewhere' } }, true),
  'a rule that refuses': reloadTo({ service: { promote: [{ refuse: 'ask the desk' }, { to: 'smithj' }] } }, true),
  'nobody is promoted': reloadTo({ service: { promote: [{ when: { role: 'nobody' }, to: 'smithj' }] } }, true),
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

export const WAYS = ['password', 'ticket'] as const
export type Way = (typeof WAYS)[number]

export interface Moment {
  readonly change: string
  readonly way: Way
  /** The step of the upgrade at which the change begins; below 0: the step of the change at which the upgrade begins. */
  readonly step: number
}

type In = { readonly client: BareClient; readonly isIn: true }
type Out = { readonly why: string; readonly isIn: false }

/** Has the change meet the upgrade at that moment, and judges. @returns how many steps both took */
export async function meet({ change, way, step }: Moment): Promise<number> {
  const what = CHANGES[change]
  if (what === undefined) throw new TypeError(`no such change: ${change}`)
  const door = await startDoor({ service: SERVICE, level: 'info' })
  try {
    const attempt = async () => await enter(door, way)
    let met: Promise<unknown> | undefined
    const act = () => what.act(door)
    const [begins, comes] = step < 0 ? [act, attempt] : [attempt, act]
    const meets = (): void => {
      met ??= comes()
    }
    const steps = atStep(Math.abs(step), meets)
    const begun = begins()
    await within(begun, 'what begins')
    // It was over before that step.
    meets()
    await within(met ?? Promise.resolve(), 'what meets it')
    steps.stop()
    await judge(door, (await (step < 0 ? met : begun)) as In | Out, { way, mayEnd: what.mayEnd })
    return steps.count
  } finally {
    await door.stop()
  }
}

async function judge(door: Door, first: In | Out, { way, mayEnd }: { way: Way; mayEnd: boolean }): Promise<void> {
  const later = await enter(door, way)
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
      const [one, other] = (await recordsOf(door)).items.map(({ vhost, user, rule, roles, service, broker }) => ({
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

const recordsOf = async (door: Door): Promise<SessionPage> => await door.gateway.sessions()

async function enter(door: Door, way: Way): Promise<In | Out> {
  let client: BareClient | undefined
  try {
    const headers = way === 'password' ? { authorization: basic() } : undefined
    const url = way === 'password' ? door.url() : door.url(`/amqp?ticket=${await ticketOf(door)}`)
    client = await BareClient.upgrade(url, headers === undefined ? {} : { headers })
    answerClose(client)
    await client.open()
    return { client, isIn: true }
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
