/** `gatehouse status`: on one screen, what an operator asks first. */

import type { ShownRules } from '../../admin/live/rules.ts'
import type { ShownOverview } from '../../admin/routes/overview.ts'
import type { Command } from '../command.ts'
import { EXIT } from '../exit.ts'
import { parseOptions } from '../options.ts'
import { showAnswer } from './show.ts'
import { age, bytes, cell, counted, notReachedLines, table } from './table.ts'
import { adminClient, WHERE_HELP, WHERE_OPTIONS, WHERE_USAGE } from './where.ts'

const OPTIONS = { ...WHERE_OPTIONS, rules: { type: 'boolean' } } as const

export const statusCommand: Command = {
  name: 'status',
  summary: 'Say on one screen how a running gateway is.',
  usage: [`status ${WHERE_USAGE} [--rules]`],
  help: `  --rules              how often each promotion rule and permission applied, and which never did

${WHERE_HELP}`,
  async run(args, terminal) {
    const { values } = parseOptions(args, { command: 'status', options: OPTIONS })
    const client = await adminClient('status', values, terminal)
    if (values.rules === true) {
      const rules = (await client.ask('GET', '/rules')) as { readonly items: readonly ShownRules[] }
      showAnswer(terminal, rules, values.json, ruleLines)
    } else {
      const overview = (await client.ask('GET', '/overview')) as ShownOverview
      showAnswer(terminal, overview, values.json, overviewLines)
    }
    return EXIT.ok
  },
}

export function overviewLines(overview: ShownOverview): string[] {
  const { name, version, generation, hash, draining, audit, sessions, services, brokers, rates } = overview
  return [
    `${cell(name)}: gatehouse ${version}, ${draining ? 'DRAINING' : 'serving'}`,
    ...(audit === 'failing'
      ? ['audit: FAILING, nothing can be recorded: services with `audit: { onFailure: refuse }` refuse everybody']
      : []),
    `configuration: generation ${generation}, hash ${hash.slice(0, 12)}`,
    `${counted(sessions, 'session')}; ${rates.opened}/s opened, ${rates.ended}/s ended, ${rates.refused}/s refused`,
    `from clients ${bytes(rates.bytesFromClient)}/s in ${rates.messagesFromClient} messages/s, ` +
      `to clients ${bytes(rates.bytesToClient)}/s in ${rates.messagesToClient} messages/s`,
    '',
    ...table(
      ['SERVICE', 'SESSIONS'],
      services.map((service) => [service.path, service.sessions]),
    ),
    '',
    ...table(
      ['BROKER', 'NODE', 'STATE', 'SESSIONS'],
      brokers.flatMap((broker) =>
        broker.nodes.map((node) => [broker.name, node.name, node.up ? 'up' : 'AWAY', node.sessions]),
      ),
    ),
    ...replicaLines(overview),
    ...notReachedLines(overview.notReached),
  ]
}

/** Gateways of one configuration have one hash. */
function replicaLines({ replicas, hash }: ShownOverview): string[] {
  if (replicas === null) return ['', 'replicas: unknown, the store of `state` is away']
  if (replicas.length === 0) return []
  const rows = replicas.map((replica) => [
    replica.name,
    replica.version,
    replica.generation,
    `${replica.hash.slice(0, 12)}${replica.hash === hash ? '' : ' DIFFERS'}`,
    replica.sessions,
  ])
  return ['', ...table(['REPLICA', 'VERSION', 'GENERATION', 'CONFIGURATION', 'SESSIONS'], rows)]
}

function ruleLines({ items }: { readonly items: readonly ShownRules[] }): string[] {
  const rows = items.flatMap(({ service, rules, permissions }) => [
    ...rules.map(({ index, hits, lastAt, since, effect, when }) => [
      service,
      `promote[${index}]`,
      hits,
      lastAt === null ? `never in ${age(since)}` : `${age(lastAt)} ago`,
      effect,
      when,
    ]),
    ...permissions.map(({ index, hits, lastAt, since, when }) => [
      service,
      `permissions[${index}]`,
      hits,
      lastAt === null ? `never in ${age(since)}` : `${age(lastAt)} ago`,
      '',
      when,
    ]),
  ])
  return table(['SERVICE', 'ENTRY', 'APPLIED', 'LAST', 'EFFECT', 'FOR'], rows)
}
