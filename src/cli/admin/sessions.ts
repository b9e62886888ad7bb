/** `gatehouse sessions`, `session` and `kick`: who is connected, as whom, and their end. */
import type { ShownDetail } from '../../admin/routes/shown-session.ts'
import type { Kicked, SessionPage, ShownSession } from '../../admin/shapes.ts'
import type { Command } from '../command.ts'
import { CommandFailed, EXIT, UsageError } from '../exit.ts'
import { parseOptions } from '../options.ts'
import { FILTER_HELP, FILTER_OPTIONS, matchOf } from './filters.ts'
import { idOf } from './ids.ts'
import { showAnswer } from './show.ts'
import { age, bytes, counted, notReachedLines, table } from './table.ts'
import { adminClient, WHERE_HELP, WHERE_OPTIONS, WHERE_USAGE } from './where.ts'

const LIST_OPTIONS = {
  ...WHERE_OPTIONS,
  ...FILTER_OPTIONS,
  sort: { type: 'string' },
  page: { type: 'string' },
  'page-size': { type: 'string' },
} as const

export const sessionsCommand: Command = {
  name: 'sessions',
  summary: 'List the sessions of a running gateway.',
  usage: [`sessions ${WHERE_USAGE} [FILTERS] [--sort FIELD] [--page N] [--page-size N]`],
  help: `${FILTER_HELP}

  --sort FIELD         any field, such as subject; with a - before it for the opposite order, as in --sort=-openedAt
  --page N             the page (1)
  --page-size N        sessions on a page (100, at most 500)

${WHERE_HELP}`,
  async run(args, terminal) {
    const { values } = parseOptions(args, { command: 'sessions', options: LIST_OPTIONS })
    const query = new URLSearchParams()
    for (const [key, wanted] of Object.entries(matchOf(values))) for (const value of wanted) query.append(key, value)
    for (const [key, value] of [
      ['sort', values.sort],
      ['page', values.page],
      ['pageSize', values['page-size']],
    ] as const)
      if (value !== undefined) query.set(key, value)
    const client = await adminClient('sessions', values, terminal)
    const page = (await client.ask('GET', '/sessions', { query })) as SessionPage
    showAnswer(terminal, page, values.json, pageLines)
    return EXIT.ok
  },
}

export const sessionCommand: Command = {
  name: 'session',
  summary: 'Show one session: who, by which rule, what it may, what it uses.',
  usage: [`session ID ${WHERE_USAGE}`],
  help: WHERE_HELP,
  async run(args, terminal) {
    const { values, positionals } = parseOptions(args, { command: 'session', options: WHERE_OPTIONS, words: 1 })
    const id = idOf(positionals[0], 'session', { of: 'session', list: 'sessions' })
    const client = await adminClient('session', values, terminal)
    const detail = (await client.ask('GET', `/sessions/${id}`)) as ShownDetail
    showAnswer(terminal, detail, values.json, detailLines)
    return EXIT.ok
  },
}

const KICK_OPTIONS = {
  ...WHERE_OPTIONS,
  ...FILTER_OPTIONS,
  reason: { type: 'string' },
  hold: { type: 'string' },
  'per-second': { type: 'string' },
  'dry-run': { type: 'boolean' },
} as const

export const kickCommand: Command = {
  name: 'kick',
  summary: 'End sessions of a running gateway.',
  usage: [
    `kick ID ${WHERE_USAGE} [--reason TEXT] [--hold DURATION]`,
    `kick FILTERS ${WHERE_USAGE} [--reason TEXT] [--hold DURATION] [--per-second N] [--dry-run]`,
  ],
  help: `${FILTER_HELP}

  --reason TEXT        clients read it
  --hold DURATION      for how long these people are kept out (30s; 0s: not at all; at most 1h)
  --per-second N       spreads the ends
  --dry-run            only say how many would end

${WHERE_HELP}`,
  async run(args, terminal) {
    const { values, positionals } = parseOptions(args, { command: 'kick', options: KICK_OPTIONS, words: 1 })
    const [id] = positionals
    const match = matchOf(id === undefined ? values : { ...values, session: [id] })
    if (Object.keys(match).length === 0)
      throw new UsageError('kick needs the ID of a session, or filters: none would mean everybody', { command: 'kick' })
    const { reason, hold, 'dry-run': dryRun, 'per-second': perSecond } = values
    const client = await adminClient('kick', values, terminal)
    const body = { match, reason, hold, dryRun, perSecond: perSecond === undefined ? undefined : Number(perSecond) }
    const kicked = (await client.ask('POST', '/kick', { body })) as Kicked
    if (id !== undefined && kicked.matched === 0) throw new CommandFailed(noSession(id, kicked.notReached))
    showAnswer(terminal, kicked, values.json, ({ matched, ended, notReached }) => [
      dryRun === true ? `${counted(matched, 'session')} would end` : `${counted(ended, 'session')} ended`,
      ...notReachedLines(notReached),
    ])
    return EXIT.ok
  },
}

function noSession(id: string, notReached: readonly string[]): string {
  return [`no session ${id}: \`gatehouse sessions\` lists them`, ...notReachedLines(notReached)].join('\n')
}

const HEADINGS = [
  'ID',
  'SUBJECT',
  'ISSUER',
  'SERVICE',
  'USER',
  'VHOST',
  'ADDRESS',
  'AGE',
  'CHANNELS',
  'RECEIVED',
  'SENT',
]

function pageLines({ total, page, pageSize, items, notReached }: SessionPage): string[] {
  // Whoever has one gateway needs no column for it.
  const isOfSeveral = items.some(({ replica }) => replica !== null)
  const rows = items.map((one: ShownSession) => [
    one.id,
    one.subject,
    one.issuer,
    one.service,
    one.user,
    one.vhost,
    one.address,
    age(one.openedAt),
    one.channels,
    bytes(one.bytesFromClient),
    bytes(one.bytesToClient),
    ...(isOfSeveral ? [one.replica] : []),
  ])
  const headings = isOfSeveral ? [...HEADINGS, 'REPLICA'] : HEADINGS
  const pages = Math.max(1, Math.ceil(total / pageSize))
  const footer = `${counted(total, 'session')}, page ${page} of ${pages}`
  return [...table(headings, rows), footer, ...notReachedLines(notReached)]
}

function detailLines({ limits, permissions, refusals, ...shown }: ShownDetail): string[] {
  const fields = Object.entries(shown).map(([name, value]) => [name, value])
  const shares = Object.entries(limits ?? {}).map(([name, { used, of }]) => [name, used, of])
  const may = (permissions ?? []).map((one) => [one.permission, one.kind, one.name, one.routingKey, one.place])
  const refused = refusals.map(({ at, method, detail, allow }) => [at, method, detail, allow])
  return [
    ...table(['FIELD', 'VALUE'], fields),
    '',
    ...table(['LIMIT', 'USED', 'OF'], shares),
    '',
    ...(permissions === null
      ? ['no permissions: the broker decides']
      : table(['MAY', 'ON', 'NAME', 'ROUTING KEY', 'BY'], may)),
    ...(refused.length === 0 ? [] : ['', ...table(['REFUSED', 'METHOD', 'WHY', 'WOULD BE ALLOWED BY'], refused)]),
  ]
}
