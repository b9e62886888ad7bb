/**
 * Passport strategies of other people: those that decide on one request, in the order of their downloads, and those for
 * logins by redirect that are asked for most. Each with the configuration that works, or with what the start says.
 *
 * The table of docs/authentication.md is made from these; `npm run test:strategies` tries each.
 */

import { signHmac } from '../support/token-forge.ts'

/** How a request looks that the strategy lets in or refuses. */
type Headers = readonly (readonly [name: string, value: string])[]

export interface StrategyCase {
  readonly package: string
  /** The authenticator without `type` and `module`, as YAML. */
  readonly yaml: string
  /** Other files beside the configuration. */
  readonly files?: Readonly<Record<string, string>>
  /** Lets these in as `press-7`; absent where that takes somebody else's server. */
  readonly admits?: Headers
  /** Refuses these. */
  readonly refuses?: Headers
  /** The start refuses it, with this. */
  readonly mistake?: RegExp
  /** For the table: how it is set up, or what to use instead. */
  readonly how: string
}

const VERIFY = 'verify: verify.mjs\n'
const byToken = { 'verify.mjs': "export default (token, done) => done(null, token === 'good' && { id: 'press-7' })\n" }
const nobody = { 'verify.mjs': 'export default (...input) => input.at(-1)(null, false)\n' }
const form = (name: string, how: string, yaml = VERIFY): StrategyCase => ({
  package: name,
  yaml,
  files: nobody,
  mistake: /reads its credential from a form or the address/,
  how,
})
const redirect = (name: string, yaml: string, how: string): StrategyCase => ({
  package: name,
  yaml: `${yaml}${VERIFY}`,
  files: nobody,
  mistake: /use `type: oidc`/,
  how,
})
const OAUTH = 'options: { clientID: a, clientSecret: b, callbackURL: https://gate.example.com/cb }\n'
const KEY = 'a secret of thirty-two characters'
/** HS256 over that key: `{"sub":"press-7"}`. */
const TOKEN = signHmac({ alg: 'HS256', typ: 'JWT' }, { sub: 'press-7' }, KEY)
const bearer = (token: string): Headers => [['Authorization', `Bearer ${token}`]]
const basic = (text: string): Headers => [['Authorization', `Basic ${Buffer.from(text).toString('base64')}`]]

export const LDAP_PORT = 38_389

export const STRATEGY_CASES: readonly StrategyCase[] = [
  {
    package: 'passport-jwt',
    yaml: `options: options.mjs\n${VERIFY}`,
    files: {
      'options.mjs': `import { ExtractJwt } from 'passport-jwt'
export default { jwtFromRequest: ExtractJwt.fromAuthHeaderAsBearerToken(), secretOrKey: '${KEY}' }
`,
      'verify.mjs': 'export default (payload, done) => done(null, { id: payload.sub })\n',
    },
    admits: bearer(TOKEN),
    refuses: bearer(`${TOKEN}x`),
    how: '`options` is a module, for `jwtFromRequest`; `type: jwt` needs no code',
  },
  form('passport-local', '`type: basic`, or passport-http'),
  {
    package: 'passport-http-bearer',
    yaml: VERIFY,
    files: byToken,
    admits: bearer('good'),
    refuses: bearer('bad'),
    how: '`verify` alone',
  },
  {
    package: 'passport-custom',
    yaml: VERIFY,
    files: {
      'verify.mjs': "export default (req, done) => done(null, req.headers['x-key'] === 'good' && { id: 'press-7' })\n",
    },
    admits: [['X-Key', 'good']],
    refuses: [['X-Key', 'bad']],
    how: '`verify` gets the request',
  },
  {
    package: 'passport-http',
    yaml: `export: BasicStrategy\n${VERIFY}`,
    files: { 'verify.mjs': "export default (id, word, done) => done(null, word === 'good' && { id })\n" },
    admits: basic('press-7:good'),
    refuses: basic('press-7:bad'),
    how: '`export: BasicStrategy`; `type: basic` needs no code',
  },
  {
    package: 'passport-azure-ad',
    yaml: `export: BearerStrategy
options:
  identityMetadata: https://127.0.0.1:9/common/v2.0/.well-known/openid-configuration
  clientID: 00000000-0000-0000-0000-000000000000
  issuer: https://sts.example.com/
  loggingLevel: error
${VERIFY}`,
    files: nobody,
    how: '`export: BearerStrategy`; `OIDCStrategy` redirects: `type: oidc`',
  },
  {
    package: 'passport-headerapikey',
    yaml: `export: HeaderAPIKeyStrategy\noptions: [{ header: X-Api-Key }, false]\n${VERIFY}`,
    files: byToken,
    admits: [['X-Api-Key', 'good']],
    refuses: [['X-Api-Key', 'bad']],
    how: '`export: HeaderAPIKeyStrategy`, `options: [{ header: X-Api-Key }, false]`',
  },
  form(
    'passport-google-one-tap',
    'its token is an ID token of Google: `type: jwt`',
    `export: GoogleOneTapStrategy\noptions: { clientID: a }\n${VERIFY}`,
  ),
  form('passport-oauth2-client-password', 'passport-http: clients may send the same as Basic'),
  {
    package: 'passport-anonymous',
    yaml: '{}\n',
    mistake: /proves nobody; `anonymous: true`/,
    how: '`anonymous: true` of the service',
  },
  {
    package: 'passport-ldapauth',
    yaml: 'options: options.mjs\nsubject: uid\n',
    files: {
      'options.mjs': `const server = {
  url: 'ldap://127.0.0.1:${LDAP_PORT}',
  searchBase: 'ou=people,dc=example,dc=com',
  searchFilter: '(uid={{username}})',
}

/** Name and password of HTTP Basic. */
function credentialsLookup({ headers: { authorization = '' } }) {
  const [, text = ''] = /^basic (.*)$/i.exec(authorization) ?? []
  const [username, ...password] = Buffer.from(text, 'base64').toString().split(':')
  return { username, password: password.join(':') }
}

export default { server, credentialsLookup }
`,
    },
    admits: basic('press-7:good'),
    refuses: basic('press-7:bad'),
    how: '`options` is a module, for `credentialsLookup`; no `verify`; `subject: uid`',
  },
  {
    package: 'passport-cookie',
    yaml: `options: { cookieName: token }\n${VERIFY}`,
    files: byToken,
    admits: [['Cookie', 'token=good']],
    refuses: [['Cookie', 'token=bad']],
    how: '`options: { cookieName: … }`; not with `signed`',
  },
  {
    package: 'passport-unique-token',
    yaml: `export: UniqueTokenStrategy\n${VERIFY}`,
    files: byToken,
    admits: [['token', 'good']],
    refuses: [['token', 'bad']],
    how: '`export: UniqueTokenStrategy`',
  },
  {
    package: 'passport-firebase-jwt',
    yaml: `options: options.mjs\n${VERIFY}`,
    files: {
      'options.mjs': `import firebase from 'passport-firebase-jwt'
export default () => ({ jwtFromRequest: firebase.ExtractJwt.fromAuthHeaderAsBearerToken() })
`,
      ...byToken,
    },
    admits: bearer('good'),
    refuses: bearer('bad'),
    how: '`options` is a module, for `jwtFromRequest`; `verify` has to check the token itself',
  },
  {
    package: 'passport-http-header-strategy',
    yaml: `options: { header: X-App-Key, param: key }\n${VERIFY}`,
    files: byToken,
    admits: [['X-App-Key', 'Bearer good']],
    refuses: [['X-App-Key', 'Bearer bad']],
    how: '`options: { header: …, param: … }`',
  },
  form(
    'passport-magic-login',
    '`type: ticket`, which is a link for one use too',
    'export: default\noptions: { secret: a, callbackUrl: /a }\n',
  ),
  {
    package: 'passport-jwt-cookiecombo',
    yaml: `options: { secretOrPublicKey: ${KEY} }\n${VERIFY}`,
    files: { 'verify.mjs': 'export default async ({ sub }) => ({ id: sub })\n' },
    admits: [['Authorization', TOKEN]],
    refuses: [['Authorization', `${TOKEN}x`]],
    how: 'the header only: its cookie is a signed one',
  },
  form('passport-totp', 'it asks somebody who is logged in already: let the identity provider do so'),
  {
    package: 'passport-auth-token',
    yaml: `options: { headerFields: [x-token] }\n${VERIFY}`,
    files: byToken,
    admits: [['X-Token', 'good']],
    refuses: [['X-Token', 'bad']],
    how: '`options: { headerFields: [x-token] }`',
  },
  {
    package: 'passport-facebook-token',
    yaml: `export: default\noptions: { clientID: a, clientSecret: b }\n${VERIFY}`,
    files: nobody,
    how: '`export: default`',
  },
  {
    package: 'passport-localapikey-update',
    yaml: VERIFY,
    files: byToken,
    admits: [['apikey', 'good']],
    refuses: [['apikey', 'bad']],
    how: '`verify` alone; the header is `apikey`',
  },
  {
    package: 'passport-hash',
    yaml: `options: { headerField: x-hash }\n${VERIFY}`,
    files: byToken,
    admits: [['X-Hash', 'good']],
    refuses: [['X-Hash', 'bad']],
    how: '`options: { headerField: x-hash }`',
  },
  {
    package: 'passport-keycloak-bearer',
    yaml: `export: default\noptions: { realm: a, url: https://127.0.0.1:9 }\n${VERIFY}`,
    files: nobody,
    how: '`export: default`; `type: jwt` needs no code',
  },
  {
    package: 'passport-trusted-header',
    yaml: `options: { headers: [x-person] }\n${VERIFY}`,
    files: { 'verify.mjs': "export default (headers, done) => done(null, { id: headers['x-person'] })\n" },
    admits: [['X-Person', 'press-7']],
    refuses: [],
    how: '`type: forwarded` is safer: it checks whose header it is',
  },
  {
    package: 'passport-google-id-token',
    yaml: `export: default\noptions: { clientID: a }\n${VERIFY}`,
    files: nobody,
    how: '`export: default`; `type: jwt` needs no code',
  },
  redirect(
    'passport-oauth2',
    `${OAUTH.replace(' }\n', '')}, authorizationURL: https://a.example/a, tokenURL: https://a.example/t }\n`,
    '`type: oidc`',
  ),
  redirect('passport-google-oauth20', OAUTH, '`type: oidc`'),
  redirect('passport-github2', OAUTH, '`type: oidc`, with a provider between that speaks OpenID'),
  redirect(
    'passport-openidconnect',
    `${OAUTH.replace(' }\n', '')}, issuer: https://a.example, authorizationURL: https://a.example/a, tokenURL: https://a.example/t, userInfoURL: https://a.example/u }\n`,
    '`type: oidc`',
  ),
  redirect(
    '@node-saml/passport-saml',
    'options: { entryPoint: https://a.example/sso, issuer: gate, callbackUrl: https://gate.example.com/cb, idpCert: MIIB }\n',
    '`type: oidc`, with a provider between that speaks OpenID',
  ),
]
