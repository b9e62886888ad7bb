/** Logs in as every broker user that the configuration names, and finds out what it lacks. */
import { randomBytes } from 'node:crypto'
import {
  type BrokerName,
  brokerNames,
  compileCredentials,
  type PromotedCredential,
  PromotionRefused,
  type SecretSources,
} from '../../../auth/index.ts'
import { type Dialler, dialInTurn, Inquiry, InquiryEnded, stampFilter, TcpDialler } from '../../../proxy/index.ts'
import type { BrokerConfig } from '../../config/schema/schema.ts'
import { brokerTarget } from '../broker.ts'
import { BROKER_FAILURES } from '../broker-failures.ts'
import { type BrokerNeeds, type BrokerUserNeeds, rightsOf } from '../setup/broker-needs.ts'
import type { ManagementApi } from './management-api.ts'
import { type Findings, missingIn, RightsProbe } from './rights-probe.ts'

const TIMEOUT_MS = 10_000
/** Most names that are asked for, for one user in one vhost. */
const NAMES_MAX = 200

/** What was found of one user in one vhost. */
export interface Probed extends Findings {
  readonly user: string
  readonly vhost: string
}

interface Asking {
  readonly dialler: Dialler
  readonly sources: SecretSources
  readonly management: ManagementApi | undefined
}

export async function probeUsers(
  { users }: BrokerNeeds,
  broker: BrokerConfig,
  sources: SecretSources,
  management: ManagementApi | undefined,
): Promise<readonly Probed[]> {
  const target = brokerTarget(broker)
  const diallers = target.urls.map((url) => new TcpDialler(url, target))
  const dialler: Dialler = {
    hosts: target.urls.map(({ host }) => host),
    dial: async (request) => await dialInTurn(diallers, request),
  }
  const found: Probed[] = []
  for (const user of users)
    for (const vhost of user.permissions.keys())
      found.push({ user: user.name, vhost, ...(await findingsOf(user, vhost, { dialler, sources, management })) })
  return found
}

async function findingsOf(user: BrokerUserNeeds, vhost: string, asking: Asking): Promise<Findings> {
  try {
    const credential = await credentialOf(user, asking.sources)
    return await askAs(credential, user, vhost, asking)
  } catch (error) {
    if (error instanceof InquiryEnded) return missing(loginText(error))
    if (error instanceof PromotionRefused) return missing(`the credential: ${error.message}`)
    throw error
  }
}

async function askAs(
  credential: PromotedCredential,
  user: BrokerUserNeeds,
  vhost: string,
  { dialler, management }: Asking,
): Promise<Findings> {
  const invented = `gatehouse-check-${randomBytes(8).toString('hex')}`
  const permissions = user.permissions.get(vhost)
  const all = permissions === undefined ? [] : brokerNames(permissions, user.name, invented)
  const names = all.slice(0, NAMES_MAX)
  const needsDefault = permissions !== undefined && rightsOf(permissions, user.name).write.includes('amq\\.default')
  const inquiry = await Inquiry.open({ dialler, credential, vhost, timeoutMs: TIMEOUT_MS })
  let found: Findings
  try {
    found = await new RightsProbe(inquiry, names, invented).run(needsDefault)
  } finally {
    await inquiry.close()
  }
  const impersonating = user.isImpersonator ? await impersonation(credential, vhost, dialler) : []
  const shown =
    management === undefined ? found : await withManagement(management, found, { user, vhost, names, needsDefault })
  const left = all.length - names.length
  return {
    missing: [...new Set([...shown.missing, ...impersonating])],
    notAsked: [
      ...shown.notAsked,
      ...(permissions === undefined ? ['rights: the gateway lets everything through, so the broker decides'] : []),
      ...(left > 0 ? [`${left} more rules`] : []),
    ],
  }
}

interface Wanted {
  readonly user: BrokerUserNeeds
  readonly vhost: string
  readonly names: readonly BrokerName[]
  readonly needsDefault: boolean
}

/** What could not be asked is read instead; a token's rights are in no list. */
async function withManagement(management: ManagementApi, asked: Findings, wanted: Wanted): Promise<Findings> {
  const { user, vhost, names, needsDefault } = wanted
  if (user.login.kind === 'token') return asked
  try {
    const rights = await management.rightsOf(user.name, vhost)
    if (rights === undefined) return { ...asked, missing: [...asked.missing, 'permissions in this vhost'] }
    const read = missingIn(rights, names, needsDefault)
    const tags = user.isImpersonator ? await management.tagsOf(user.name) : ['impersonator']
    const tag = tags.includes('impersonator') ? [] : [IMPERSONATOR]
    return { missing: [...asked.missing, ...read.missing, ...tag], notAsked: read.notAsked }
  } catch (error) {
    const why = error instanceof Error ? error.message : 'unknown failure'
    return { ...asked, notAsked: [...asked.notAsked, `permissions by the management API: ${why}`] }
  }
}

const IMPERSONATOR = 'the tag impersonator'

/** The handshake itself asks, for a session that stamps another's name. */
async function impersonation(credential: PromotedCredential, vhost: string, dialler: Dialler): Promise<string[]> {
  const filters = [stampFilter({ userId: 'gatehouse check', headers: [] }, { onFailure: 'count', write: () => true })]
  try {
    const inquiry = await Inquiry.open({ dialler, credential, vhost, timeoutMs: TIMEOUT_MS, filters })
    await inquiry.close()
    return []
  } catch (error) {
    if (!(error instanceof InquiryEnded)) throw error
    return error.failure === 'impersonator-missing' ? [IMPERSONATOR] : [loginText(error)]
  }
}

async function credentialOf(
  { name, credential }: BrokerUserNeeds,
  sources: SecretSources,
): Promise<PromotedCredential> {
  const compiled = compileCredentials({ [name]: credential }, sources).get(name)
  if (compiled === undefined) throw new Error(`no credential of ${name}`)
  return await compiled.build({ identity: NOBODY, address: '127.0.0.1', session: '' })
}

/** These credentials are the same for everybody. */
const NOBODY = { issuer: '', subject: 'nobody', authenticator: '', roles: [], claims: {}, fromCookie: false }

function loginText({ failure, message }: InquiryEnded): string {
  const remedy = failure === undefined ? '' : `. ${BROKER_FAILURES[failure].remedy}`
  return `the login: ${message}${remedy}`
}

function missing(text: string): Findings {
  return { missing: [text], notAsked: [] }
}
