/**
 * `npm run bench:logins`: guessers from many addresses try many users' passwords, so many times a second, while one known
 * user goes on logging in. Prints how long that user waits, what becomes of the guesses, memory and log lines.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { hashPassword } from '../../auth/index.ts'
import { CommandProcess } from '../support/command-process.ts'
import { residentBytes } from './process.ts'

const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '20' },
    rate: { type: 'string', default: '500' },
    users: { type: 'string', default: '50' },
    help: { type: 'boolean', default: false },
  },
})
if (options.help) {
  console.log('npm run bench:logins -- [--seconds N (20)] [--rate GUESSES_PER_SECOND (500)] [--users N (50)]')
  process.exit()
}

const TICK_MS = 20
const KNOWN = 'known.user'
const KNOWN_EVERY_MS = 200
const agent = new Agent({ keepAlive: true, maxSockets: 200 })

const folder = mkdtempSync(join(tmpdir(), 'gatehouse-logins-'))
const gateway = await start(folder)
try {
  const port = Number(new URL(await gateway.url()).port)
  // The known user has logged in from this network before, as people have.
  await login(port, KNOWN, 'welcome', '203.0.113.7')
  const before = residentBytes(gateway.pid)
  const statuses = new Map<number, number>()
  const waitedMs: number[] = []
  let known = 0
  let guessed = 0
  const startedMs = performance.now()
  const endsAt = startedMs + Number(options.seconds) * 1000
  const pending: Promise<void>[] = []
  let nextKnownMs = startedMs
  while (performance.now() < endsAt) {
    const due = ((performance.now() - startedMs) / 1000) * Number(options.rate)
    for (; guessed < due; guessed++) {
      const user = `user${guessed % Number(options.users)}`
      const address = `198.51.${(guessed >> 8) % 256}.${guessed % 256}`
      pending.push(
        login(port, user, `guess${guessed}`, address).then(
          (status) => void statuses.set(status, (statuses.get(status) ?? 0) + 1),
        ),
      )
    }
    if (performance.now() >= nextKnownMs) {
      nextKnownMs += KNOWN_EVERY_MS
      const askedMs = performance.now()
      pending.push(
        login(port, KNOWN, 'welcome', '203.0.113.7').then((status) => {
          waitedMs.push(performance.now() - askedMs)
          if (status === 200) known++
        }),
      )
    }
    await new Promise((resolve) => setTimeout(resolve, TICK_MS))
  }
  await Promise.all(pending)
  waitedMs.sort((a, b) => a - b)
  const at = (q: number): string =>
    `${Math.round(waitedMs[Math.min(waitedMs.length - 1, Math.floor(waitedMs.length * q))] ?? 0)} ms`
  const lines = gateway.stdout.split('\n').length - 1
  console.log(
    `${guessed} guesses in ${options.seconds} s: ${[...statuses].map(([status, count]) => `${count} × ${status}`).join(', ')}`,
  )
  console.log(`known user: ${known} of ${waitedMs.length} logins, p50 ${at(0.5)}, p99 ${at(0.99)}, longest ${at(1)}`)
  console.log(
    `memory: ${Math.round(before / 1e6)} → ${Math.round(residentBytes(gateway.pid) / 1e6)} MB; log lines: ${lines}`,
  )
} finally {
  agent.destroy()
  await gateway.kill()
  rmSync(folder, { recursive: true, force: true })
}

async function start(folder: string): Promise<CommandProcess> {
  const names = [KNOWN, ...Array.from({ length: Number(options.users) }, (_, at) => `user${at}`)]
  const password = await hashPassword('welcome')
  writeFileSync(
    join(folder, 'users.yaml'),
    JSON.stringify({ users: Object.fromEntries(names.map((name) => [name, { password }])) }),
    { mode: 0o600 },
  )
  const configuration = {
    listen: { host: '127.0.0.1', port: 0, trustedProxies: ['127.0.0.0/8'] },
    brokers: {
      main: {
        urls: ['amqp://127.0.0.1:1'],
        credentials: { webuser: { username: 'webuser', password: { env: 'PASSWORD' } } },
      },
    },
    authenticators: { staff: { type: 'basic', realm: 'Staff', users: 'users.yaml' }, tickets: { type: 'ticket' } },
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

function login(port: number, user: string, password: string, address: string): Promise<number> {
  return new Promise((resolve) => {
    const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
    const headers = { authorization, 'x-forwarded-for': address }
    const asked = request(
      { host: '127.0.0.1', port, path: '/auth/ticket', method: 'POST', agent, headers },
      (response) => {
        response.resume().on('end', () => resolve(response.statusCode ?? 0))
      },
    )
    asked.on('error', () => resolve(0)).end()
  })
}
