/** Which login the options mean; at most one, and where a certificate alone does not do, one at least. */
import { readFile } from 'node:fs/promises'
import { createSecureContext, type SecureContext } from 'node:tls'
import { Secret } from '../../../auth/index.ts'
import { certificatesIn } from '../../config/files/certificates.ts'
import { certificateLogin, passwordLogin } from '../../tunnel/connect/login/constant.ts'
import { type GatewayLogin, LoginFailed } from '../../tunnel/connect/login/login.ts'
import { deviceTokens, TicketLogin } from '../../tunnel/connect/login/person.ts'
import { TokenLogin } from '../../tunnel/connect/login/token.ts'
import { tokenCommand } from '../../tunnel/connect/login/token-command.ts'
import { tokenFile } from '../../tunnel/connect/login/token-file.ts'
import { UsageError } from '../exit.ts'
import { readSecret } from '../prompt.ts'
import { complain, type Terminal } from '../terminal.ts'

const command = 'connect'
const PASSWORD = 'GATEHOUSE_PASSWORD'

export interface LoginValues {
  readonly user?: string | undefined
  readonly 'token-file'?: string | undefined
  readonly 'token-command'?: string | undefined
  readonly login?: string | undefined
  readonly 'client-id'?: string | undefined
  readonly scope?: string | undefined
  readonly negotiate?: boolean | undefined
  readonly ca?: string | undefined
  readonly cert?: string | undefined
  readonly key?: string | undefined
}

const KINDS = ['user', 'token-file', 'token-command', 'login', 'negotiate'] as const
/** With a refresh token, so that the person is asked once. */
const SCOPE = 'openid offline_access'

/** @throws UsageError, CommandFailed */
export async function loginFrom(values: LoginValues, url: URL, terminal: Terminal): Promise<GatewayLogin> {
  const [kind, other] = KINDS.filter((name) => values[name] !== undefined)
  if (other !== undefined) throw new UsageError(`connect: either --${kind} or --${other}, not both`, { command })
  if ((values.cert === undefined) !== (values.key === undefined))
    throw new UsageError('connect: --cert and --key go together', { command })
  const note = (line: string) => complain(terminal, `gatehouse: ${line}`)
  const { user, 'token-file': file, 'token-command': shell, login: issuer, 'client-id': clientId, scope } = values
  if ((issuer === undefined) !== (clientId === undefined))
    throw new UsageError('connect: --login ISSUER and --client-id ID go together', { command })
  if (scope !== undefined && issuer === undefined)
    throw new UsageError('connect: --scope goes with --login ISSUER', { command })
  if (user !== undefined) return passwordLogin(userName(user), await password(user, terminal))
  if (file !== undefined) return new TokenLogin(tokenFile(file), note)
  if (shell !== undefined) return new TokenLogin(tokenCommand(shell), note)
  if (issuer !== undefined && clientId !== undefined)
    return new TokenLogin(deviceTokens({ issuer, clientId, scope: scope ?? SCOPE, write: note }), note)
  // A variable, as the package is no dependency.
  const kerberos = 'kerberos'
  if (values.negotiate === true) return new TicketLogin(url.hostname, async () => (await import(kerberos)) as unknown)
  if (values.cert !== undefined) return certificateLogin()
  const ways = [...KINDS, 'cert'].map((name) => `--${name}`)
  throw new UsageError(`connect needs a way to log in: one of ${ways.join(', ')}`, { command })
}

/** Reads the files at each call: they are exchanged while the command runs. */
export function secureContextFrom({ ca, cert, key }: LoginValues): () => Promise<SecureContext | undefined> {
  return async () => {
    if (ca === undefined && cert === undefined) return undefined
    const [caBytes, certBytes, keyBytes] = await Promise.all([ca, cert, key].map(bytesOf))
    if (caBytes !== undefined && certificatesIn(caBytes) === undefined)
      throw new LoginFailed(`--ca ${ca}: expected certificates in PEM form`)
    try {
      return createSecureContext({ ca: caBytes, cert: certBytes, key: keyBytes })
    } catch (cause) {
      const text = `expected a certificate and the private key that belongs to it, both in PEM form and not encrypted`
      throw new LoginFailed(`--cert ${cert} --key ${key}: ${text}`, { cause })
    }
  }
}

async function bytesOf(path: string | undefined): Promise<Buffer | undefined> {
  if (path === undefined) return undefined
  try {
    return await readFile(path)
  } catch (error) {
    throw new LoginFailed(error instanceof Error ? error.message : String(error), { cause: error })
  }
}

function userName(user: string): string {
  // The colon ends the name. [RFC 7617 §2]
  if (user === '' || user.includes(':') || /\p{C}/u.test(user))
    throw new UsageError(
      'connect: expected --user NAME without a colon; the password is in GATEHOUSE_PASSWORD or asked for',
      {
        command,
      },
    )
  return user
}

async function password(user: string, terminal: Terminal): Promise<Secret> {
  const given = terminal.env[PASSWORD]
  if (given !== undefined && given !== '') return new Secret(given)
  return new Secret(await readSecret(terminal, `Password of ${user}`, false))
}
