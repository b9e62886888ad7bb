/** `gatehouse check`: judges a configuration as `serve` would, and more: every secret that can be read is read. */

import { readBlocks } from '../../admin/blocks-file.ts'
import { loadConfig } from '../../config/reading/load.ts'
import { ConfigError, formatProblem } from '../../config/reading/problems.ts'
import { isBehindDoor } from '../../config/schema/listener-kinds.ts'
import type { BrokerConfig, Config, ListenerConfig, ServiceConfig } from '../../config/schema/schema.ts'
import type { Command } from '../command.ts'
import { EXIT, UsageError } from '../exit.ts'
import { offline, secretProblems, tryAuthenticators } from '../offline.ts'
import { needed, parseOptions } from '../options.ts'
import { complain, say } from '../terminal.ts'
import { probeBrokers } from './connect.ts'
import { probeStore, storeOf } from './store.ts'

export const check: Command = {
  name: 'check',
  summary: 'Say what is wrong with a configuration, or what it comes to.',
  usage: ['check -c FILE [--connect [--management URL]]'],
  help: `  -c, --config FILE   the configuration
  --connect           log in to the brokers as each user that the configuration names, and ask what it lacks there
  --management URL    read permissions there, too: http://USER@HOST:15672, the password in GATEHOUSE_PASSWORD

Everything is judged as at the start of the gateway, files, secrets, keys and modules included; without --connect no broker
is asked, and no identity provider or directory in any case. Warnings stop nothing. A package that does not come with Gatehouse
is a warning where it is missing: the start needs it. Exit code 0, or 78 with all mistakes, each with file, line and column.

--connect writes one key to the store of \`state\` and removes it, and changes nothing at the broker. It asks to remove a binding that is not there, to delete a name that it made up, to
publish to a queue of such a name, and whether exchanges and queues are there. It lists what it could not ask. Exit code 1
where something is missing. RabbitMQ logs each channel that it closes for a refusal.`,
  async run(args, terminal) {
    const { values } = parseOptions(args, { command: 'check', options: OPTIONS })
    const file = needed(values.config, '-c FILE', 'check')
    const { config, warnings: seldomMeant } = loadConfig(file, terminal.env)
    if (values.management !== undefined && values.connect !== true)
      throw new UsageError('check: --management goes with --connect', { command: 'check' })
    if (config.blocks !== undefined) readBlocks(config.blocks)
    const prepared = offline(config, file, terminal.env)
    const secrets = await secretProblems(prepared)
    const tried = await tryAuthenticators(config, file)
    const store = await storeOf(config, prepared.sources)
    const problems = [...secrets, ...tried.problems]
    if (problems.length > 0) throw new ConfigError(problems)
    const warnings = [...seldomMeant, ...tried.warnings]
    for (const warning of warnings) complain(terminal, `warning: ${formatProblem(warning)}`)
    for (const line of summary(config)) say(terminal, line)
    say(terminal, `${file}: good${warnings.length > 0 ? `, ${counted(warnings.length, 'warning')}` : ''}`)
    if (values.connect !== true) return EXIT.ok
    const storeIsGood = store === undefined || (await probeStore(store, terminal))
    const code = await probeBrokers(config, prepared.sources, values.management, terminal)
    return storeIsGood ? code : EXIT.failure
  },
}

const OPTIONS = {
  config: { type: 'string', short: 'c' },
  connect: { type: 'boolean' },
  management: { type: 'string' },
} as const

function summary({ listen, admin, blocks, state, services, brokers }: Config): string[] {
  return [
    ...listen.map(listenerText),
    ...(admin
      ? [`health and metrics at ${admin.tls ? 'https' : 'http'}://${bracketed(admin.host)}:${admin.port}`]
      : []),
    ...(admin?.authenticate === undefined ? [] : [blocksText(blocks)]),
    ...(state === undefined ? [] : [`state in the store at ${storeUrls(state.urls)}`]),
    ...services.map((service) => `${service.path}: ${serviceText(service, brokers[service.broker])}`),
  ]
}

function storeUrls(urls: readonly { readonly host: string; readonly port: number; readonly tls: boolean }[]): string {
  return urls.map(({ host, port, tls }) => `${tls ? 'rediss' : 'redis'}://${bracketed(host)}:${port}`).join(', ')
}

function blocksText(blocks: string | undefined): string {
  return blocks === undefined ? 'blocks end with the process (no `blocks`)' : `blocks are kept in ${blocks}`
}

function serviceText(service: ServiceConfig, broker: BrokerConfig | undefined): string {
  const urls = (broker?.urls ?? []).map(
    ({ host, port, tls }) => `${tls ? 'amqps' : 'amqp'}://${bracketed(host)}:${port}`,
  )
  const proofs = service.authenticate?.map((entry) => (typeof entry === 'string' ? entry : entry.all.join(' and ')))
  return [
    `broker ${service.broker} (${urls.join(', ')})`,
    proofs ? `proof by ${proofs.join(', ')}` : 'no proof (anonymous)',
    service.origins.length > 0 ? `pages of ${service.origins.join(', ')}` : 'no pages (no `origins`)',
    counted(service.promote.length, 'rule'),
    service.permissions
      ? counted(service.permissions.length, 'permission entry', 'permission entries')
      : 'no permissions',
    ...(service.entitlements ? [`entitlements of ${service.entitlements.url ?? service.entitlements.module}`] : []),
  ].join('; ')
}

function listenerText(listener: ListenerConfig): string {
  if (!isBehindDoor(listener))
    return `listens at ${listener.tls ? 'wss' : 'ws'}://${bracketed(listener.host)}:${listener.port}`
  const { urls, name, spare } = listener.door
  const doors = urls.map(({ host, port }) => `tls://${bracketed(host)}:${port}`)
  return `dials ${doors.join(', ')} as ${name}, and keeps ${counted(spare, 'connection')} ready at each`
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}

function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`
}
