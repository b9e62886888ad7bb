/**
 * `npm run bench:logins`: guessers from many addresses try many users' passwords, so many times a second, while people
 * log in. Says how long those wait whom the gateway knows, and those who never came before; what becomes of the guesses;
 * memory, log lines and processor time. Ends with 1 where somebody known waits too long, or something grows. With
 * `--directory` their passwords are in an OpenLDAP beside it (`type: ldap`), else in a file (`type: basic`).
 *
 * Every known person's password is computed anew each time: SIGHUP makes the gateway forget what was right.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { Agent } from 'node:http'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { parseArgs } from 'node:util'
import { hashPassword } from '../../auth/index.ts'
import { CommandProcess } from '../support/command-process.ts'
import { quantile } from '../support/quantile.ts'
import type { Slapd } from '../support/slapd.ts'
import { ldapOf, startPeople } from './directory.ts'
import { login } from './login.ts'
import { processorMicroseconds, residentBytes } from './process.ts'

const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    rate: { type: 'string', default: '500' },
    users: { type: 'string', default: '50' },
    directory: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
if (options.help) {
  console.log(
    'npm run bench:logins -- [--seconds N (60)] [--rate GUESSES_PER_SECOND (500)] [--users N (50)] [--directory]',
  )
  process.exit()
}

const KNOWN_COUNT = 20
const EVERY_MS = 500
/** Once round all who are known. */
const FORGET_EVERY = KNOWN_COUNT
const FIRST_EVERY = 2
/** Memory that may come and go after the first third. */
const FLAT_BYTES = 32e6
/** Lines of one event in ten seconds, and events that a storm of guesses can cause. */
const LINES_PER_SECOND = 2 * 3
const seconds = Number(options.seconds)
const agent = new Agent({ keepAlive: true, maxSockets: 100 })

/** What became of some people's logins. */
class Logins {
  readonly #waitedMs: number[] = []
  readonly #statuses = new Map<number, number>()
  readonly #pending: Promise<void>[] = []

  add(port: number, user: string, address: string): void {
    const askedMs = performance.now()
    const asked = login({ port, user, password: 'welcome', address, agent }).then((status) => {
      if (status === 200) this.#waitedMs.push(performance.now() - askedMs)
      this.#statuses.set(status, (this.#statuses.get(status) ?? 0) + 1)
    })
    this.#pending.push(asked)
  }

  async all(): Promise<void> {
    await Promise.all(this.#pending)
    this.#waitedMs.sort((a, b) => a - b)
  }

  get refusedCount(): number {
    return this.#pending.length - (this.#statuses.get(200) ?? 0)
  }

  /** The quantile of those who got in, in ms. */
  waited(part: number): number {
    return Math.round(quantile(this.#waitedMs, part))
  }

  toString(): string {
    const statuses = [...this.#statuses].map(([status, count]) => `${count} × ${status}`).join(', ')
    return `${statuses}; p50 ${this.waited(0.5)} ms, p99 ${this.waited(0.99)} ms, longest ${this.waited(1)} ms`
  }
}

const folder = mkdtempSync(join(tmpdir(), 'gatehouse-logins-'))
const names = everybody()
const directory = options.directory ? await startPeople(names) : undefined
const gateway = await start(folder, directory?.slapd)
try {
  const port = Number(new URL(await gateway.url()).port)
  const knownAddress = (at: number): string => `203.0.113.${at}`
  for (let at = 0; at < KNOWN_COUNT; at++) {
    await login({ port, user: `known${at}`, password: 'welcome', address: knownAddress(at), agent })
  }
  const [known, first] = [new Logins(), new Logins()]
  const residents: number[] = []
  const before = { lines: gateway.events().length, processor: processorMicroseconds(gateway.pid) }
  const program = join(import.meta.dirname, 'login-storm.ts')
  const rest = [port, options.rate, seconds, options.users].map(String)
  const storm = spawn(process.execPath, ['--import', 'tsx', program, ...rest], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(storm, 'exit')
  const said = text(storm.stdout)
  const load = loadavg()[0] ?? 0
  const startedMs = performance.now()
  for (let n = 0; performance.now() - startedMs < seconds * 1000; n++) {
    if (n % FORGET_EVERY === 0) gateway.signal('SIGHUP')
    if (n % FIRST_EVERY === 0) first.add(port, `first${n / FIRST_EVERY}`, `192.0.2.${(n / FIRST_EVERY) % 256}`)
    known.add(port, `known${n % KNOWN_COUNT}`, knownAddress(n % KNOWN_COUNT))
    residents.push(residentBytes(gateway.pid))
    await new Promise((resolve) => setTimeout(resolve, startedMs + (n + 1) * EVERY_MS - performance.now()))
  }
  const [statuses] = await Promise.all([said, ended, known.all(), first.all()])
  const lines = gateway.events().length - before.lines
  const third = Math.floor(residents.length / 3)
  const grown = Math.max(...residents.slice(2 * third)) - Math.max(...residents.slice(third, 2 * third))
  const megabytes = (bytes: number | undefined): number => Math.round((bytes ?? 0) / 1e6)
  const used = (processorMicroseconds(gateway.pid) - before.processor) / 1e6 / seconds
  console.log(`load average ${load.toFixed(1)} at the start, ${(loadavg()[0] ?? 0).toFixed(1)} at the end`)
  console.log(`guesses, ${options.rate}/s for ${seconds} s: ${statuses.trim()}`)
  console.log(`people known here: ${known.toString()}`)
  console.log(`people for the first time here: ${first.toString()}`)
  console.log(
    `memory: ${megabytes(residents[0])} MB, ${megabytes(residents[third])}, ${megabytes(residents.at(-1))} MB`,
  )
  console.log(`log lines: ${lines}; processors: ${used.toFixed(2)}`)
  const faults = [
    ...(known.refusedCount > 0 ? [`${known.refusedCount} known people were refused`] : []),
    ...(known.waited(0.99) >= 1000 ? ['known people waited a second or longer'] : []),
    ...(grown > FLAT_BYTES ? [`memory grew by ${megabytes(grown)} MB in the last third`] : []),
    ...(lines > LINES_PER_SECOND * (seconds + 10) ? ['too many log lines'] : []),
  ]
  for (const fault of faults) console.log(`NOT AS IT SHOULD BE: ${fault}`)
  if (faults.length > 0) process.exitCode = 1
} finally {
  agent.destroy()
  await gateway.kill()
  await directory?.stop()
  rmSync(folder, { recursive: true, force: true })
}

function everybody(): readonly string[] {
  const many = (name: string, count: number) => Array.from({ length: count }, (_, at) => `${name}${at}`)
  const firstCount = Math.ceil((seconds * 1000) / EVERY_MS / FIRST_EVERY) + 1
  return [...many('known', KNOWN_COUNT), ...many('user', Number(options.users)), ...many('first', firstCount)]
}

async function start(folder: string, slapd: Slapd | undefined): Promise<CommandProcess> {
  const password = await hashPassword('welcome')
  const users = Object.fromEntries(names.map((name) => [name, { password }]))
  writeFileSync(join(folder, 'users.yaml'), JSON.stringify({ users }), { mode: 0o600 })
  const configuration = {
    listen: { host: '127.0.0.1', port: 0, trustedProxies: ['127.0.0.0/8'] },
    brokers: {
      main: {
        urls: ['amqp://127.0.0.1:1'],
        credentials: { webuser: { username: 'webuser', password: { env: 'PASSWORD' } } },
      },
    },
    authenticators: {
      staff: slapd === undefined ? { type: 'basic', realm: 'Staff', users: 'users.yaml' } : ldapOf(slapd),
      tickets: { type: 'ticket' },
    },
    services: [
      {
        path: '/amqp',
        broker: 'main',
        vhost: '/',
        authenticate: ['staff', 'tickets'],
        promote: [{ when: {}, to: 'webuser' }],
      },
    ],
  }
  writeFileSync(join(folder, 'gatehouse.yaml'), JSON.stringify(configuration), { mode: 0o600 })
  return new CommandProcess(['serve', '-c', join(folder, 'gatehouse.yaml')], { PASSWORD: 'x' })
}
