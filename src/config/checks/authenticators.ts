/** Authenticators: keys that exclude or need each other. */
import { keySetUrlProblem } from '../../../auth/index.ts'
import type { Finding } from '../reading/issues.ts'
import type { Path } from '../reading/problems.ts'
import { isSymmetric } from '../schema/authenticators-provider.ts'
import type { AuthenticatorConfig, Config } from '../schema/schema.ts'
import { isLoopback } from '../schema/units.ts'
import { checkUsers } from './users.ts'

type OfType<T extends AuthenticatorConfig['type']> = Extract<AuthenticatorConfig, { type: T }>

/** How roles are written means something only where they are looked for. */
function checkRoles({ roles, rolesSeparator, rolesFrom }: OfType<'jwt' | 'oidc'>, path: Path): Finding[] {
  if (roles === undefined) {
    const key = rolesSeparator === undefined ? 'rolesFrom' : 'rolesSeparator'
    if (key === 'rolesFrom' && rolesFrom === 'value') return []
    return [{ path: [...path, key], at: 'key', message: 'without meaning: there is no `roles`' }]
  }
  if (rolesFrom === 'value' || rolesSeparator === undefined) return []
  return [{ path: [...path, 'rolesSeparator'], at: 'key', message: 'without meaning: keys of an object are not split' }]
}

function checkJwt(jwt: OfType<'jwt'>, path: Path): Finding[] {
  const found = checkRoles(jwt, path)
  if (jwt.jwksUri === undefined && jwt.jwksFile === undefined) {
    found.push({
      path: [...path, 'jwksUri'],
      at: 'value',
      message: 'missing: the keys are needed, as `jwksUri` or as `jwksFile`',
    })
  }
  const wrongUri = jwt.jwksUri === undefined ? undefined : keySetUrlProblem(jwt.jwksUri, jwt.insecureKeySet)
  if (wrongUri !== undefined) found.push({ path: [...path, 'jwksUri'], at: 'value', message: wrongUri })
  if (jwt.jwksUri !== undefined && jwt.jwksFile !== undefined) {
    found.push({ path: [...path, 'jwksFile'], at: 'key', message: 'expected either `jwksUri` or `jwksFile`, not both' })
  }
  const symmetricCount = jwt.algorithms.filter(isSymmetric).length
  if (symmetricCount > 0 && symmetricCount < jwt.algorithms.length) {
    const message = 'HS256 to HS512 stand alone: beside others, a public key could be taken for a shared one'
    found.push({ path: [...path, 'algorithms'], at: 'value', message })
  }
  if (symmetricCount > 0 && jwt.jwksFile === undefined) {
    found.push({
      path: [...path, 'algorithms'],
      at: 'value',
      message: 'HS256 to HS512 need a shared key, in `jwksFile`',
    })
  }
  return found
}

function checkOidc(oidc: OfType<'oidc'>, path: Path, basePath = ''): Finding[] {
  const found = checkRoles(oidc, path)
  const { publicUrl, scope } = oidc
  if (oidc.clientAuthentication !== undefined && oidc.clientSecret === undefined) {
    const message = 'without meaning: there is no `clientSecret`'
    found.push({ path: [...path, 'clientAuthentication'], at: 'key', message })
  }
  const { protocol, hostname, pathname, search } = new URL(publicUrl)
  if (protocol !== 'https:' && !isLoopback(hostname)) {
    found.push({
      path: [...path, 'publicUrl'],
      at: 'value',
      message: 'expected https: (http: is accepted for loopback addresses only)',
    })
  }
  if (!['/', basePath, `${basePath}/`].includes(pathname) || search !== '') {
    const may = basePath === '' ? 'only' : `only, or ${basePath} behind them`
    const message = `expected scheme, host and port ${may}: ${basePath}/auth/callback is added to it`
    found.push({ path: [...path, 'publicUrl'], at: 'value', message })
  }
  if (!scope.split(' ').includes('openid')) {
    found.push({ path: [...path, 'scope'], at: 'value', message: 'expected `openid` among the scopes' })
  }
  return found
}

function checkNegotiate({ subject, realms }: OfType<'negotiate'>, path: Path): Finding[] {
  if (subject !== 'name' || realms.length === 1) return []
  const message = '`name` drops the realm: with several realms, two people could be one subject'
  return [{ path: [...path, 'subject'], at: 'value', message }]
}

function checkForwarded(forwarded: OfType<'forwarded'>, path: Path): Finding[] {
  const { header, rolesHeader, rolesSeparator, secretHeader } = forwarded
  const found: Finding[] = []
  if (rolesSeparator !== undefined && rolesHeader === undefined)
    found.push({ path: [...path, 'rolesSeparator'], at: 'key', message: 'without meaning: there is no `rolesHeader`' })
  if (rolesHeader === header)
    found.push({ path: [...path, 'rolesHeader'], at: 'value', message: 'expected another header than `header`' })
  if (secretHeader === header || secretHeader === rolesHeader) {
    found.push({ path: [...path, 'secretHeader'], at: 'value', message: 'expected a header of its own' })
  }
  return found
}

function checkClientCertificate({ listen }: Config, path: Path): Finding[] {
  if (listen.some(({ tls }) => tls?.clientCertificates && tls.clientCertificates.mode !== 'none')) return []
  const message = 'no listener asks for client certificates: set `tls: { clientCertificates: { ca } }` of one'
  return [{ path: [...path, 'type'], at: 'value', message, refersTo: ['listen'] }]
}

function checkOne(authenticator: AuthenticatorConfig, path: Path, config: Config): Finding[] {
  switch (authenticator.type) {
    case 'jwt':
      return checkJwt(authenticator, path)
    case 'oidc':
      return checkOidc(authenticator, path, config.basePath)
    case 'negotiate':
      return checkNegotiate(authenticator, path)
    case 'forwarded':
      return checkForwarded(authenticator, path)
    case 'clientCertificate':
      return checkClientCertificate(config, path)
    case 'basic':
      return typeof authenticator.users === 'string' ? [] : checkUsers(authenticator.users, [...path, 'users'])
    case 'ticket':
    case 'passport':
      return []
  }
}

/** GSSAPI takes the key table from the environment, which a process has one of. */
function checkKeytabs(config: Config): Finding[] {
  let first: { readonly name: string; readonly keytab: string } | undefined
  return Object.entries(config.authenticators).flatMap(([name, authenticator]): Finding[] => {
    if (authenticator.type !== 'negotiate' || authenticator.keytab === undefined) return []
    first ??= { name, keytab: authenticator.keytab }
    if (first.keytab === authenticator.keytab) return []
    const message = `expected the key table of authenticator ${first.name}: one process has one (ktutil merges them)`
    return [{ path: ['authenticators', name, 'keytab'], at: 'value', message }]
  })
}

export function checkAuthenticators(config: Config): Finding[] {
  const each = Object.entries(config.authenticators).flatMap(([name, authenticator]) =>
    checkOne(authenticator, ['authenticators', name], config),
  )
  return [...each, ...checkKeytabs(config)]
}
