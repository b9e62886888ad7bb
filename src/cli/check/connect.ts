/** `gatehouse check --connect`: what each broker user lacks at its broker. */
import type { SecretSources } from '../../../auth/index.ts'
import { ManagementApi } from '../../brokers/probing/management-api.ts'
import { type Probed, probeUsers } from '../../brokers/probing/probe-users.ts'
import { silentNodes } from '../../brokers/probing/silent-nodes.ts'
import { brokerNeeds } from '../../brokers/setup/broker-needs.ts'
import type { Config } from '../../config/schema/schema.ts'
import { EXIT, UsageError } from '../exit.ts'
import { say, type Terminal } from '../terminal.ts'

/** Resolves with the exit code. @throws UsageError for an address that is none */
export async function probeBrokers(
  config: Config,
  sources: SecretSources,
  management: string | undefined,
  terminal: Terminal,
): Promise<number> {
  const api = management === undefined ? undefined : managementAt(management, terminal)
  let missing = 0
  for (const needs of brokerNeeds(config)) {
    const broker = config.brokers[needs.broker]
    if (broker === undefined) continue
    for (const note of needs.notes) say(terminal, `broker ${needs.broker}: not asked: ${note}`)
    for (const text of await silentNodes(broker))
      say(terminal, `broker ${needs.broker}: a node does not answer: ${text}`)
    for (const probed of await probeUsers(needs, broker, sources, api)) {
      for (const line of linesOf(needs.broker, probed)) say(terminal, line)
      missing += probed.missing.length
    }
  }
  if (missing === 0) return EXIT.ok
  say(
    terminal,
    `${missing} missing: \`gatehouse broker-setup\` prints the lines that give every right, and makes no exchange or queue`,
  )
  return EXIT.failure
}

function linesOf(broker: string, { user, vhost, missing, notAsked }: Probed): string[] {
  const where = `broker ${broker}, user ${user}, vhost ${vhost}`
  return [
    ...missing.map((text) => `${where}: missing: ${text}`),
    ...(missing.length === 0 ? [`${where}: nothing is missing`] : []),
    ...notAsked.map((text) => `${where}: not asked: ${text}`),
  ]
}

/** @throws UsageError */
function managementAt(text: string, { env }: Terminal): ManagementApi {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !['http:', 'https:'].includes(url.protocol) || url.username === '' || url.password !== '')
    throw new UsageError('check: expected --management http://USER@HOST:15672, without a password', {
      command: 'check',
    })
  const password = env['GATEHOUSE_PASSWORD']
  if (password === undefined || password === '')
    throw new UsageError('check: --management takes the password from GATEHOUSE_PASSWORD', { command: 'check' })
  return new ManagementApi({ url, username: decodeURIComponent(url.username), password })
}
