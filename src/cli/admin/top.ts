/** `gatehouse top`: the sessions that carry most at the moment, again and again. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { PeoplePage, ShownPerson } from '../../admin/live/people.ts'
import type { ShownOverview } from '../../admin/routes/overview.ts'
import type { SessionPage, ShownSession } from '../../admin/shapes.ts'
import { durationMs } from '../../config/schema/units.ts'
import type { Command } from '../command.ts'
import { EXIT, UsageError } from '../exit.ts'
import { parseOptions } from '../options.ts'
import { say, type Terminal } from '../terminal.ts'
import type { AdminClient } from './client.ts'
import { overviewLines } from './status.ts'
import { bytes, table } from './table.ts'
import { adminClient, WHERE_HELP, WHERE_OPTIONS, WHERE_USAGE } from './where.ts'

const OPTIONS = {
  ...WHERE_OPTIONS,
  every: { type: 'string' },
  times: { type: 'string' },
  people: { type: 'boolean' },
} as const

/** Lines where nobody knows how large the screen is. */
const ROWS = 40
const PAGE_SIZE = 500
/** Clears the screen and goes to its beginning. */
const CLEAR = '\u001b[2J\u001b[H'

interface Look {
  readonly atMs: number
  readonly overview: ShownOverview
  readonly sessions: readonly ShownSession[]
}

export const topCommand: Command = {
  name: 'top',
  summary: 'Watch a running gateway, and the sessions that carry most.',
  usage: [`top ${WHERE_USAGE} [--every DURATION] [--times N] [--people]`],
  help: `  --every DURATION     how often it looks (2s)
  --times N            how often in all; absent: until it is interrupted
  --people             people instead of sessions, with the limit of which they use most

Of the sessions it compares the ${PAGE_SIZE} that have carried most and the ${PAGE_SIZE} newest ones.

${WHERE_HELP}`,
  async run(args, terminal) {
    const { values } = parseOptions(args, { command: 'top', options: OPTIONS })
    const everyMs = durationMs(values.every ?? '2s')
    if (everyMs === undefined || everyMs < 500)
      throw new UsageError('top: expected a duration of at least 500ms after --every', { command: 'top' })
    const times = values.times === undefined ? Number.POSITIVE_INFINITY : Number(values.times)
    if (!(times >= 1)) throw new UsageError('top: expected a whole number after --times', { command: 'top' })
    const client = await adminClient('top', values, terminal)
    if (values.people === true)
      return await watchPeople(client, terminal, { everyMs, times, isJson: values.json === true })
    let before = await look(client)
    for (let time = 0; time < times; time++) {
      await sleep(everyMs)
      const now = await look(client)
      if (values.json === true) say(terminal, JSON.stringify({ overview: now.overview, sessions: ranked(before, now) }))
      else draw(terminal, [...overviewLines(now.overview), '', ...sessionLines(before, now)])
      before = now
    }
    return EXIT.ok
  },
}

interface Watching {
  readonly everyMs: number
  readonly times: number
  readonly isJson: boolean
}

/** The gateway tells their rates itself, from the second look on. */
async function watchPeople(
  client: AdminClient,
  terminal: Terminal,
  { everyMs, times, isJson }: Watching,
): Promise<number> {
  const ask = async () => (await client.ask('GET', '/identities')) as PeoplePage
  await ask()
  for (let time = 0; time < times; time++) {
    await sleep(everyMs)
    const people = await ask()
    const overview = (await client.ask('GET', '/overview')) as ShownOverview
    if (isJson) say(terminal, JSON.stringify({ overview, people: people.items }))
    else draw(terminal, [...overviewLines(overview), '', ...peopleLines(people)])
  }
  return EXIT.ok
}

function peopleLines({ items }: PeoplePage): string[] {
  const rows = items.map(({ subject, service, sessions, rates, limits }) => [
    subject,
    service,
    sessions,
    `${bytes(rates.bytesFromClient)}/s`,
    `${bytes(rates.bytesToClient)}/s`,
    fullest(limits),
  ])
  return table(['SUBJECT', 'SERVICE', 'SESSIONS', 'FROM CLIENTS', 'TO CLIENTS', 'FULLEST LIMIT'], rows)
}

/** `channels 12 of 100`: the limit of which most is used. */
function fullest(limits: ShownPerson['limits']): string | undefined {
  const [first] = Object.entries(limits ?? {})
    .flatMap(([name, { used, of }]) => (used === null || used === 0 ? [] : [{ name, used, of }]))
    .sort((one, other) => other.used / other.of - one.used / one.of)
  return first === undefined ? undefined : `${first.name} ${first.used} of ${first.of}`
}

async function look(client: AdminClient): Promise<Look> {
  const page = async (sort: string): Promise<readonly ShownSession[]> => {
    const query = new URLSearchParams({ sort, pageSize: String(PAGE_SIZE) })
    return ((await client.ask('GET', '/sessions', { query })) as SessionPage).items
  }
  const overview = (await client.ask('GET', '/overview')) as ShownOverview
  const lists = [await page('-bytesToClient'), await page('-bytesFromClient'), await page('-openedAt')]
  const sessions = new Map(lists.flat().map((one) => [one.id, one]))
  return { atMs: performance.now(), overview, sessions: [...sessions.values()] }
}

interface Ranked {
  readonly id: string
  readonly subject: string
  readonly service: string
  readonly user: string
  /** Bytes per second. */
  readonly fromClient: number
  readonly toClient: number
}

/** Those that carry most first. */
function ranked(before: Look, now: Look): readonly Ranked[] {
  const seconds = (now.atMs - before.atMs) / 1000
  const known = new Map(before.sessions.map((one) => [one.id, one]))
  return now.sessions
    .flatMap((one) => {
      const earlier = known.get(one.id)
      if (earlier === undefined) return []
      const { id, subject, service, user } = one
      const fromClient = (one.bytesFromClient - earlier.bytesFromClient) / seconds
      const toClient = (one.bytesToClient - earlier.bytesToClient) / seconds
      return [{ id, subject, service, user, fromClient, toClient }]
    })
    .sort((one, other) => other.fromClient + other.toClient - one.fromClient - one.toClient)
}

function sessionLines(before: Look, now: Look): string[] {
  const rows = ranked(before, now).map(({ id, subject, service, user, fromClient, toClient }) => [
    id,
    subject,
    service,
    user,
    `${bytes(fromClient)}/s`,
    `${bytes(toClient)}/s`,
  ])
  return table(['SESSION', 'SUBJECT', 'SERVICE', 'USER', 'FROM CLIENT', 'TO CLIENT'], rows)
}

function draw(terminal: Terminal, lines: readonly string[]): void {
  const { isTTY = false, rows = ROWS } = terminal.stdout
  const shown = lines.slice(0, rows - 1)
  terminal.stdout.write(`${isTTY ? CLEAR : ''}${shown.join('\n')}\n`)
}
