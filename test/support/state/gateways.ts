/** Gateways of one store, each as a door with a management API, and what tests do with several of them. */
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { type AmqplibConnection, connectAmqplib, UpgradeRefused } from '../amqplib-over-websocket.ts'
import { basic, type Door, type DoorOptions, startDoor } from '../door.ts'
import { until } from '../until.ts'
import { STATE_KEY } from './shared-rig.ts'

type StateInput = NonNullable<DoorOptions['state']>

const JOE = { authorization: basic() }

/** Of the management API, as far as tests look at it. */
export interface Answer {
  readonly id: string
  readonly replica: string | null
  readonly total: number
  readonly sessions: number
  readonly matched: number
  readonly ended: number
  readonly notReached: readonly string[]
  readonly items: readonly { readonly id: string; readonly subject: string; readonly replica: string | null }[]
  readonly replicas: readonly { readonly name: string; readonly sessions: number; readonly hash: string }[] | null
}

/** As the administrator that each of them has. @throws where the answer is a no */
export async function ask(door: Door, method: string, path: string, body?: object): Promise<Answer> {
  const url = `${door.gateway.adminAddress?.url}/api/v1${path}`
  const headers = { ...JOE, 'content-type': 'application/json' }
  const response = await fetch(url, { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) })
  const text = await response.text()
  assert.ok(response.ok, `${method} ${path}: ${response.status} ${text}`)
  return (text === '' ? {} : JSON.parse(text)) as Answer
}

/** What a gateway needs to be one of several. */
export function sharing(state: Omit<StateInput, 'key'>, more: DoorOptions = {}): DoorOptions {
  return {
    // Machines under test are busy: what is tried here is not how long they take.
    state: { key: STATE_KEY, timeout: '2s', ...state },
    admin: { port: 0, authenticate: ['staff'], roles: { administrator: { subject: 'joe.smith' } } },
    ...more,
  }
}

/** So many, who know of one another. */
export async function startGateways(options: DoorOptions, count: number, t: TestContext): Promise<readonly Door[]> {
  const doors = await Promise.all(Array.from({ length: count }, () => startDoor(options, t)))
  for (const door of doors) {
    const knowsAll = async () => (await ask(door, 'GET', '/overview')).replicas?.length === count
    await until(knowsAll, 'all replicas', 30_000)
  }
  return doors
}

/** Joe's session at a door. */
export async function connectTo(
  door: Door,
  path = '/amqp',
  headers: Record<string, string> = JOE,
): Promise<AmqplibConnection> {
  return await connectAmqplib(door.url(path), { websocket: { headers } })
}

/** Comes and goes: `in`, or the HTTP status of the refusal. */
export async function tried(door: Door, path = '/amqp', headers: Record<string, string> = JOE): Promise<string> {
  try {
    const client = await connectTo(door, path, headers)
    await client.connection.close()
    await client.closed
    return 'in'
  } catch (error) {
    if (error instanceof UpgradeRefused) return String(error.status)
    throw error
  }
}

export async function ticketOf(door: Door, headers: Record<string, string> = JOE): Promise<string> {
  const response = await fetch(door.http('/auth/ticket'), { method: 'POST', headers })
  assert.equal(response.status, 200, await response.clone().text())
  return ((await response.json()) as { readonly ticket: string }).ticket
}
