/** A gateway that people manage who log in at a real OpenID provider, which its services use, too. */
import type { TestContext } from 'node:test'
import type { ConfigInput } from '../../src/index.ts'
import { type Door, ORIGIN, startDoor } from './door.ts'
import { Front } from './front.ts'
import { ROLES } from './managed.ts'
import { type OpenidProvider, startOpenidProvider } from './openid-provider.ts'

export const CLIENT_SECRET = 'CANARY secret of the gateway'

export interface ManagedByOpenid {
  readonly provider: OpenidProvider
  /** The admin listener, as browsers reach it. */
  readonly admin: Front
  /** The public listener, as browsers reach it. */
  readonly app: Front
}

/** `viewer`, `operator` and `administrator` have that role, `nobody` has none. Every start of a gateway makes a new front of it. */
export async function startOpenid(accessTokenSeconds = 300): Promise<ManagedByOpenid> {
  const [admin, app] = [new Front(), new Front()]
  await Promise.all([admin.start(), app.start()])
  const provider = await startOpenidProvider({
    accessTokenSeconds,
    robotSecret: 'secret of the robot',
    robotRoles: [],
    people: Object.fromEntries(['nobody', ...ROLES].map((name) => [name, { roles: [`gate-${name}`] }])),
    gateway: { publicUrl: app.origin, adminUrl: admin.origin, secret: CLIENT_SECRET },
  })
  return { provider, admin, app }
}

export async function stopOpenid({ provider, admin, app }: ManagedByOpenid): Promise<void> {
  await provider.stop()
  admin.stop()
  app.stop()
}

type Authenticators = NonNullable<ConfigInput['authenticators']>

export interface OpenidDoorOptions {
  /** Beside the login. */
  readonly authenticate?: string[]
  readonly authenticators?: Authenticators
  /** Other keys of the login. */
  readonly login?: Partial<Extract<Authenticators[string], { type: 'oidc' }>>
}

/** The gateway, for one test. */
export async function startOpenidDoor(
  { provider, admin, app }: ManagedByOpenid,
  t: TestContext,
  { authenticate = [], authenticators = {}, login = {} }: OpenidDoorOptions = {},
): Promise<Door> {
  const roles = Object.fromEntries(ROLES.map((name) => [name, { role: `gate-${name}`, authenticator: 'sso' }]))
  const door = await startDoor(
    {
      listen: { host: '127.0.0.1', port: 0, trustedProxies: ['127.0.0.1'] },
      admin: { port: 0, authenticate: ['sso', ...authenticate], roles, publicUrl: admin.origin },
      authenticators: {
        sso: {
          type: 'oidc',
          issuer: provider.issuer,
          clientId: 'gatehouse',
          clientSecret: CLIENT_SECRET,
          publicUrl: app.origin,
          roles: 'roles',
          ...login,
        },
        ...authenticators,
      },
      service: {
        authenticate: ['sso', 'staff', 'tickets'],
        origins: [ORIGIN, app.origin],
        promote: [
          { when: { role: 'gate-viewer' }, to: 'smithj' },
          { when: { subject: 'joe.smith' }, to: 'smithj' },
        ],
      },
    },
    t,
  )
  admin.gatewayPort = door.gateway.adminAddress?.port
  app.gatewayPort = door.port
  return door
}
