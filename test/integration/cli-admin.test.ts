/** The commands that ask a running gateway, as processes: what they print, and how they end. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it, type TestContext } from 'node:test'
import { connectAmqplib } from '../support/amqplib-over-websocket.ts'
import { CommandProcess } from '../support/command-process.ts'
import { basic, type Door, PASSWORD, sendRaw, upgradeRequest } from '../support/door.ts'
import { startManaged } from '../support/managed.ts'

const folder = await mkdtemp(join(tmpdir(), 'gatehouse-cli-admin-'))
after(async () => await rm(folder, { recursive: true, force: true }))

const joe = (door: Door) => connectAmqplib(door.url(), { websocket: { headers: { authorization: basic() } } })

/** Runs `gatehouse ARGS` to its end, as one of the people of `startManaged`. */
async function gatehouse(t: TestContext, door: Door, as: string | undefined, ...args: string[]) {
  const url = door.gateway.adminAddress?.url ?? ''
  const who = as === undefined ? [] : ['--user', as]
  const command = new CommandProcess([...args, '--admin', url, ...who], { GATEHOUSE_PASSWORD: PASSWORD })
  t.after(async () => await command.kill())
  const { code } = await command.exit()
  const { stdout, stderr } = command
  assert.ok(!`${stdout}${stderr}`.includes('CANARY'))
  return { code, stdout, stderr }
}

describe('gatehouse status, sessions, session', () => {
  it('say how the gateway is and who is connected', async (t) => {
    const door = await startManaged(t)
    const client = await joe(door)
    const status = await gatehouse(t, door, 'viewer', 'status')
    assert.equal(status.code, 0, status.stderr)
    assert.match(status.stdout, /^1 session; /m)
    assert.match(status.stdout, /^\/amqp {4}1$/m)
    assert.match(status.stdout, /^main {4}127\.0\.0\.1:\d+ +up +1$/m)
    const rules = await gatehouse(t, door, 'viewer', 'status', '--rules')
    assert.match(rules.stdout, /^\/amqp {4}promote\[0\] +1 +\d+s ago +to smithj/m)

    const list = await gatehouse(t, door, 'viewer', 'sessions', '--subject', 'joe.smith', '--sort', 'subject')
    const [headings, row, footer] = list.stdout.split('\n')
    assert.match(String(headings), /^ID +SUBJECT +ISSUER +SERVICE/)
    const id = /^([0-9a-f-]+) +joe\.smith +staff +\/amqp +smithj/.exec(String(row))?.[1] ?? ''
    assert.equal(footer, '1 session, page 1 of 1')
    const none = await gatehouse(t, door, 'viewer', 'sessions', '--broker-user', 'nobody', '--json')
    assert.deepEqual(JSON.parse(none.stdout), { total: 0, page: 1, pageSize: 100, items: [], notReached: [] })

    const one = await gatehouse(t, door, 'viewer', 'session', id)
    assert.match(one.stdout, /^user +smithj$/m)
    assert.match(one.stdout, /^sessionsPerIdentity +1 +1000$/m)
    assert.match(one.stdout, /^no permissions: the broker decides$/m)
    const top = await gatehouse(t, door, 'viewer', 'top', '--every', '500ms', '--times', '1')
    assert.match(top.stdout, new RegExp(`^${id} +joe\\.smith`, 'm'))
    await client.connection.close()
  })
})

describe('gatehouse kick, block, blocks, unblock', () => {
  it('end sessions and keep people out', async (t) => {
    const door = await startManaged(t)
    const client = await joe(door)
    client.connection.on('error', () => undefined)
    const dry = await gatehouse(t, door, 'operator', 'kick', '--subject', 'joe.smith', '--dry-run')
    assert.deepEqual([dry.code, dry.stdout], [0, '1 session would end\n'])
    const [id] = (await gatehouse(t, door, 'viewer', 'sessions')).stdout.split('\n')[1]?.split(' ') ?? []
    const kicked = await gatehouse(t, door, 'operator', 'kick', String(id), '--reason', 'maintenance', '--hold', '0s')
    assert.deepEqual([kicked.code, kicked.stdout], [0, '1 session ended\n'])
    assert.equal((await door.line('session-ended'))['reason'], 'kicked')
    const again = await gatehouse(t, door, 'operator', 'kick', String(id))
    assert.deepEqual([again.code, again.stdout], [1, ''])
    assert.match(again.stderr, new RegExp(`^gatehouse: no session ${id}: .gatehouse sessions. lists them$`, 'm'))
    const gone = await gatehouse(t, door, 'operator', 'session', String(id))
    assert.deepEqual([gone.code, gone.stderr], [1, 'gatehouse: no such session (404)\n'])

    const blocked = await gatehouse(t, door, 'operator', 'block', 'joe.smith', '--for', '10m', '--reason', 'left us')
    assert.match(blocked.stdout, /^blocked joe\.smith until .*, id [0-9a-f-]+\n0 sessions ended\n$/)
    const list = await gatehouse(t, door, 'operator', 'blocks')
    const block = list.stdout.split('\n')[1] ?? ''
    assert.match(block, /joe\.smith +any +.* +operator +left us$/)
    const lifted = await gatehouse(t, door, 'operator', 'unblock', block.split(' ')[0] ?? '')
    assert.deepEqual([lifted.code, lifted.stdout], [0, 'lifted\n'])
    assert.equal((await gatehouse(t, door, 'operator', 'unblock', 'none')).code, 1)
    const named = await gatehouse(t, door, 'operator', 'unblock', 'joe.smith')
    assert.deepEqual([named.code, named.stdout], [64, ''])
    assert.match(named.stderr, /^gatehouse: "joe\.smith" is no ID of a block: .gatehouse blocks. lists them$/m)
  })

  it('exit with 77 where the login or its role does not do, and name the role', async (t) => {
    const door = await startManaged(t)
    const viewer = await gatehouse(t, door, 'viewer', 'kick', '--subject', 'x')
    assert.equal(viewer.code, 77)
    assert.match(viewer.stderr, /needs the role operator/)
    const wrong = await gatehouse(t, door, 'somebody', 'status')
    assert.deepEqual([wrong.code, wrong.stdout], [77, ''])
    assert.match(wrong.stderr, /does not know you: see --user and --token-file/)
    assert.equal((await gatehouse(t, door, undefined, 'status')).code, 77)
    const token = join(folder, 'token')
    writeFileSync(token, 'no.valid.token\n')
    assert.equal((await gatehouse(t, door, undefined, 'status', '--token-file', token)).code, 77)
  })
})

describe('gatehouse refusals and reload', () => {
  it('say why somebody was refused, and what a reload would change', async (t) => {
    const door = await startManaged(t)
    await sendRaw(door.port, upgradeRequest('/amqp', { more: [['Origin', 'https://evil.example']] }))
    const refusals = await gatehouse(t, door, 'viewer', 'refusals')
    assert.match(refusals.stdout, /origin-not-allowed .* - https:\/\/evil\.example {3}# under origins$/m)
    const none = await gatehouse(t, door, 'administrator', 'reload')
    assert.equal(none.code, 1)
    assert.match(none.stderr, /started without a file.*\(409\)/)
    const candidate = join(folder, 'candidate.yaml')
    writeFileSync(candidate, 'services: 5\n')
    const broken = await gatehouse(t, door, 'administrator', 'reload', '--dry-run', '--candidate', candidate)
    assert.equal(broken.code, 78)
    assert.match(broken.stderr, /nothing has changed \(422\)\n.*services/s)
  })
})

describe('the commands that ask a running gateway', () => {
  it('say what is wrong with the command line, and that nobody answers', async (t) => {
    const run = async (...args: string[]) => {
      const command = new CommandProcess(args, {})
      t.after(async () => await command.kill())
      const { code } = await command.exit()
      return { code, stderr: command.stderr }
    }
    for (const [args, text] of [
      [['status'], /needs either --admin URL or -c FILE/],
      [['status', '--admin', 'localhost:8081'], /expected a URL such as/],
      [['status', '--admin', 'http://joe:secret@127.0.0.1'], /without a password/],
      [['kick', '--admin', 'http://127.0.0.1:1'], /none would mean everybody/],
      [['session', '--admin', 'http://127.0.0.1:1'], /needs the ID/],
      [['block', 'joe', '--admin', 'http://127.0.0.1:1'], /needs --for DURATION/],
      [['sessions', '--admin', 'http://127.0.0.1:1', '--subjct', 'x'], /did you mean --subject/],
    ] as const) {
      const { code, stderr } = await run(...args)
      assert.equal(code, 64, `${args.join(' ')}: ${stderr}`)
      assert.match(stderr, text)
    }
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    server.close()
    const away = await run('status', '--admin', `http://127.0.0.1:${port}`)
    assert.equal(away.code, 1)
    assert.match(away.stderr, /^gatehouse: no gateway answers at 127\.0\.0\.1:\d+: .*ECONNREFUSED/)
  })
})
