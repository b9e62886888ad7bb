/** A gateway that people manage: a person for each role, and their requests to the management API. */
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { hashPassword } from '../../auth/index.ts'
import { BROKER_PASSWORD, basic, type Door, type DoorOptions, PASSWORD, startDoor } from './door.ts'

export const ROLES = ['viewer', 'operator', 'administrator'] as const

/** Whom `startManaged` gives which role. */
export const ADMIN = {
  port: 0,
  authenticate: ['ops'],
  roles: {
    viewer: { role: 'gate-viewer' },
    operator: { role: 'gate-operator' },
    administrator: { role: 'gate-administrator' },
  },
  origins: ['https://console.example.com'],
}

/** `viewer`, `operator` and `administrator` have that role, `nobody` has none; their password is joe's. */
export async function startManaged(t: TestContext, options: DoorOptions = {}): Promise<Door> {
  const password = await hashPassword(PASSWORD, { ln: 10, r: 8, p: 1 })
  const users = Object.fromEntries(['nobody', ...ROLES].map((name) => [name, { password, roles: [`gate-${name}`] }]))
  return await startDoor(
    {
      admin: ADMIN,
      ...options,
      authenticators: { ops: { type: 'basic', users }, ...options.authenticators },
    },
    t,
  )
}

export interface Sent {
  readonly as?: string
  readonly password?: string
  readonly body?: unknown
  readonly headers?: Record<string, string>
}

export async function call(door: Door, route: string, { as, password, body, headers = {} }: Sent = {}) {
  const [method = '', path = ''] = route.split(' ')
  const authorization = as === undefined ? {} : { authorization: basic(as, password) }
  const response = await fetch(`${door.gateway.adminAddress?.url}${path}`, {
    method,
    headers: { ...authorization, ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  const text = await response.text()
  assert.ok(!text.includes('CANARY') && !text.includes(BROKER_PASSWORD) && !text.includes('$scrypt$'), text)
  assert.equal(response.headers.get('cache-control'), 'no-store')
  assert.equal(response.headers.get('x-content-type-options'), 'nosniff')
  assert.match(response.headers.get('content-security-policy') ?? '', /default-src 'none'/)
  if (response.status >= 400) assert.equal(response.headers.get('content-type'), 'application/problem+json')
  const json = (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>
  return { status: response.status, json, headers: response.headers }
}
