/**
 * The program that is a real OpenID provider on loopback: oidc-provider with the shortest login there is, a form that
 * asks for a name. Run by openid-provider.ts under a Node.js that oidc-provider takes; it removes the types itself.
 * Reads its settings from the environment, and prints one line of JSON when it listens.
 */
import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { pathToFileURL } from 'node:url'
import type { ProviderSettings } from './openid-provider.ts'
import { type ExchangeErrors, type Exchanging, exchangeClient, registerExchange } from './openid-provider-exchange.ts'

interface Grant {
  addOIDCScope(scope: string): void
  addResourceScope(resource: string, scope: string): void
  save(): Promise<string>
}
interface Provider extends Exchanging {
  readonly Grant: new (of: { accountId: string; clientId: string }) => Grant
  on(event: 'grant.revoked', listener: () => void): void
  callback(): (request: IncomingMessage, response: ServerResponse) => void
  interactionDetails(request: IncomingMessage, response: ServerResponse): Promise<{ params: { client_id: string } }>
  interactionFinished(request: IncomingMessage, response: ServerResponse, result: object): Promise<void>
}
interface Page {
  body: string
}
interface Package {
  readonly Provider: new (issuer: string, configuration: object) => Provider
  readonly errors: ExchangeErrors
}

const settings = JSON.parse(process.env['OPENID_PROVIDER'] ?? '{}') as ProviderSettings
// Installed beside the suite, not in it: found from the working directory.
const path = createRequire(join(process.cwd(), 'package.json')).resolve('oidc-provider')
const { Provider, errors } = (await import(pathToFileURL(path).href)) as Package

const server = createServer()
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const provider = new Provider(issuer, configuration())
if (settings.exchange !== undefined) registerExchange(provider, errors, createPublicKey(privateKey), settings.exchange)
const answer = provider.callback()
provider.on('grant.revoked', () => console.log(JSON.stringify({ event: 'grant.revoked' })))

server.on('request', (request, response) => {
  const isInteraction = request.url?.startsWith('/interaction/') === true
  if (!isInteraction) answer(request, response)
  else interact(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)))
})
console.log(JSON.stringify({ issuer }))

function configuration(): object {
  const { accessTokenSeconds, robotSecret, robotRoles, people, gateway, exchange, deviceFlow = true } = settings
  const deviceCode = deviceFlow ? ['urn:ietf:params:oauth:grant-type:device_code'] : []
  const rolesOf = (name: string) => people[name]?.roles ?? robotRoles
  return {
    jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), kid: 'provider-key', use: 'sig', alg: 'RS256' }] },
    clients: [
      {
        client_id: 'robot',
        client_secret: robotSecret,
        grant_types: ['client_credentials'],
        response_types: [],
        redirect_uris: [],
      },
      ...(exchange === undefined ? [] : [exchangeClient(exchange)]),
      {
        client_id: 'terminal',
        token_endpoint_auth_method: 'none',
        application_type: 'native',
        grant_types: [...deviceCode, 'authorization_code', 'refresh_token'],
        redirect_uris: ['http://127.0.0.1/'],
      },
      ...(gateway === undefined
        ? []
        : [
            {
              client_id: 'gatehouse',
              client_secret: gateway.secret,
              grant_types: ['authorization_code', 'refresh_token', ...deviceCode],
              redirect_uris: [gateway.publicUrl, gateway.adminUrl ?? []].flat().map((url) => `${url}/auth/callback`),
              backchannel_logout_uri: `${gateway.publicUrl}/auth/backchannel-logout`,
              backchannel_logout_session_required: true,
            },
          ]),
    ],
    cookies: { keys: ['a test’s own'] },
    claims: { openid: ['sub', 'roles'] },
    conformIdTokenClaims: false,
    findAccount: (_context: unknown, name: string) =>
      people[name] && { accountId: name, claims: () => ({ sub: name, roles: rolesOf(name) }) },
    extraTokenClaims: (_context: unknown, token: { accountId?: string }) => ({ roles: rolesOf(token.accountId ?? '') }),
    issueRefreshToken: () => true,
    // Its own refuses loopback addresses, and the gateway is on one.
    fetch: (url: string, { dispatcher: _dispatcher, ...options }: RequestInit & { dispatcher?: unknown }) =>
      fetch(url, options),
    interactions: { url: (_context: unknown, { uid }: { uid: string }) => `/interaction/${uid}` },
    ttl: { AccessToken: accessTokenSeconds, ClientCredentials: accessTokenSeconds, IdToken: 600, RefreshToken: 3600 },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      backchannelLogout: { enabled: true },
      introspection: { enabled: true },
      revocation: { enabled: true },
      // The pages that these two come with fetch a font from the net.
      deviceFlow: {
        enabled: deviceFlow,
        userCodeInputSource: (context: Page, form: string) => {
          context.body = `<!doctype html><title>Code</title>${form}`
        },
        userCodeConfirmSource: (context: Page, form: string) => {
          context.body = `<!doctype html><title>Confirm</title>${form}`
        },
        successSource: (context: Page) => {
          context.body = '<!doctype html><title>Done</title>'
        },
      },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (context: Page, form: string) => {
          context.body = `<!doctype html>${form}<button form="op.logoutForm" name="logout" value="yes">Log out</button>`
        },
        postLogoutSuccessSource: (context: Page) => {
          context.body = '<!doctype html><title>Logged out</title>'
        },
      },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => 'urn:amqp',
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({
          scope: 'amqp',
          audience: 'amqp',
          accessTokenTTL: accessTokenSeconds,
          accessTokenFormat: settings.accessTokens ?? 'jwt',
        }),
      },
    },
  }
}

/** The form, and what it says: a name that the provider knows is a login, and everything asked for is granted. */
async function interact(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { params } = await provider.interactionDetails(request, response)
  if (request.method !== 'POST') {
    const form = '<form method="post"><input name="name" autofocus><button>Log in</button></form>'
    response.writeHead(200, { 'content-type': 'text/html' }).end(`<!doctype html><title>Log in</title>${form}`)
    return
  }
  const accountId = new URLSearchParams(await text(request)).get('name') ?? ''
  if (settings.people[accountId] === undefined) {
    await provider.interactionFinished(request, response, { error: 'access_denied' })
    return
  }
  const grant = new provider.Grant({ accountId, clientId: params.client_id })
  grant.addOIDCScope('openid profile email offline_access')
  grant.addResourceScope('urn:amqp', 'amqp')
  const consent = { grantId: await grant.save() }
  await provider.interactionFinished(request, response, { login: { accountId }, consent })
}
