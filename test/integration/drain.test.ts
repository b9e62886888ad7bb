/** Sessions that end because somebody says so: drain, cut, revocation, expiry while others go on. */
import assert from 'node:assert/strict'
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { hashPassword } from '../../auth/index.ts'
import type { ConfigError } from '../../src/index.ts'
import { type AmqplibConnection, connectAmqplib, UpgradeRefused } from '../support/amqplib-over-websocket.ts'
import { basic, type Door, PASSWORD, startDoor } from '../support/door.ts'
import { watchResidue } from '../support/residue.ts'
import { until } from '../support/until.ts'

function connect(door: Door, user = 'joe.smith', password = PASSWORD): Promise<AmqplibConnection> {
  return connectAmqplib(door.url(), { websocket: { headers: { authorization: basic(user, password) } } })
}

describe('close', () => {
  it('ends sessions evenly over the drain, each with 320 and 1012, and takes no more', async (t) => {
    const clean = watchResidue()
    const door = await startDoor({ drain: '2s' }, t)
    const clients = await Promise.all(Array.from({ length: 10 }, () => connect(door)))
    const endedMs: number[] = []
    const codes = clients.map(async ({ closed }) => {
      const { code } = await closed
      endedMs.push(performance.now())
      return code
    })

    const startedMs = performance.now()
    const closing = door.gateway.close()

    await assert.rejects(connect(door))
    assert.deepEqual(
      await Promise.all(codes),
      Array.from({ length: 10 }, () => 1012),
    )
    await closing
    const [first = 0, last = 0] = [Math.min(...endedMs) - startedMs, Math.max(...endedMs) - startedMs]
    assert.ok(first < 1_500, `the first after ${first} ms`)
    assert.ok(last > 1_200 && last < 3_900, `the last after ${last} ms`)
    assert.deepEqual(
      endedMs,
      endedMs.toSorted((a, b) => a - b),
    )
    await door.broker.close()
    await clean()
  })

  it('cuts who does not answer, after all of its times', async (t) => {
    const door = await startDoor({ drain: '1s' }, t)
    const client = await connect(door)
    client.socket.pause()
    const startedMs = performance.now()
    await door.gateway.close()
    const tookMs = performance.now() - startedMs
    assert.ok(tookMs < 3_500, `took ${tookMs} ms`)
    client.socket.terminate()
    await door.broker.close()
  })

  it('is the same promise when it is asked for twice', async (t) => {
    const door = await startDoor({}, t)
    assert.equal(door.gateway.close(), door.gateway.close())
    await door.stop()
  })

  it('is over at once after cut', async (t) => {
    const door = await startDoor({ drain: '1h' }, t)
    const clients = await Promise.all([connect(door), connect(door), connect(door)])
    const closing = door.gateway.close()
    door.gateway.cut()
    await closing
    await Promise.all(clients.map(({ closed }) => closed))
    const ended = door.lines.filter(({ event }) => event === 'session-ended')
    assert.deepEqual(
      ended.map(({ reason }) => reason),
      ['drain', 'drain', 'drain'],
    )
    await door.broker.close()
  })

  it('closes the broker leg too', async (t) => {
    const door = await startDoor({}, t)
    await connect(door)
    await door.gateway.close()
    const broker = await door.broker.connection()
    await broker.closed()
    await door.broker.close()
  })
})

describe('a lame duck', () => {
  it('is not ready, and takes sessions until it drains', async (t) => {
    const door = await startDoor({ drain: { over: '0s', quiet: '1s', lameDuck: '1h' } }, t)
    const first = await connect(door)
    const readyUrl = `${door.gateway.adminAddress?.url}/health/ready`
    assert.equal((await fetch(readyUrl)).status, 200)

    const closing = door.gateway.close()

    assert.equal((await fetch(readyUrl)).status, 503)
    const second = await connect(door)
    assert.equal(door.gateway.sessionCount, 2)
    // As a second SIGTERM does.
    door.gateway.cut()
    await closing
    await Promise.all([first.closed, second.closed])
    await assert.rejects(connect(door))
  })

  it('drains when its time is over', async (t) => {
    const door = await startDoor({ drain: { over: '0s', quiet: '1s', lameDuck: '300ms' } }, t)
    const client = await connect(door)
    const startedMs = performance.now()
    const closing = door.gateway.close()
    assert.equal((await client.closed).code, 1012)
    assert.ok(performance.now() - startedMs >= 295)
    await closing
  })
})

describe('a drain without a stop', () => {
  it('ends everybody, takes nobody until it is called off, and says so', async (t) => {
    const door = await startDoor({}, t)
    const clients = [await connect(door), await connect(door)]
    const reasons = clients.map(({ connection }) => new Promise<Error>((resolve) => connection.once('close', resolve)))

    const drained = door.gateway.drain({ over: '100ms', quiet: '1s' })

    for (const { closed } of clients) assert.equal((await closed).code, 1012)
    for (const reason of reasons)
      assert.match((await reason).message, /320 \(CONNECTION-FORCED\).*the gateway asks to reconnect/)
    await drained
    await assert.rejects(connect(door), (error: UpgradeRefused) => error.status === 503)
    assert.equal((await fetch(`${door.gateway.adminAddress?.url}/health/ready`)).status, 503)
    assert.equal((await door.line('admin.drain'))['actor'], 'program')

    door.gateway.undrain()

    assert.equal((await fetch(`${door.gateway.adminAddress?.url}/health/ready`)).status, 200)
    await (await connect(door)).connection.close()
    await door.line('gateway-undrained')
    const page = await (await fetch(`${door.gateway.adminAddress?.url}/metrics`)).text()
    assert.match(page, /gatehouse_drained_total\{at="quiet"\} 2\n/)
  })

  it('called off leaves those whose turn has not come', async (t) => {
    const door = await startDoor({}, t)
    const clients = await Promise.all(Array.from({ length: 4 }, () => connect(door)))
    const drained = door.gateway.drain({ over: '1h' })
    await Promise.race(clients.map(({ closed }) => closed))
    door.gateway.undrain()
    await drained
    await until(() => door.gateway.sessionCount === 3, 'three sessions')
    await (await connect(door)).connection.close()
  })

  it('takes other terms while it is on', async (t) => {
    const door = await startDoor({}, t)
    const client = await connect(door)
    const first = door.gateway.drain({ lameDuck: '1h' })
    const second = door.gateway.drain({ over: '0s', lameDuck: '0s' })
    assert.equal((await client.closed).code, 1012)
    await Promise.all([first, second])
  })

  it('tells every mistake', async (t) => {
    const door = await startDoor({}, t)
    await assert.rejects(door.gateway.drain({ over: '10', quiet: '11m' }), (error: ConfigError) => {
      assert.deepEqual(
        error.problems.map(({ path }) => path),
        ['over', 'quiet'],
      )
      return true
    })
  })
})

describe('a change of the users file', () => {
  it('ends the sessions of who is gone or changed within a second, and nobody else', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'gatehouse-users-'))
    const file = join(folder, 'users.yaml')
    const hash = await hashPassword(PASSWORD, { ln: 10, r: 8, p: 1 })
    const write = async (users: Record<string, string[]>) => {
      const entries = Object.entries(users).map(
        ([name, roles]) => `  ${name}: { password: '${hash}', roles: [${roles}] }\n`,
      )
      await writeFile(`${file}.new`, `users:\n${entries.join('')}`, { mode: 0o600 })
      await rename(`${file}.new`, file)
    }
    await write({ joe: ['trader'], eve: ['trader'], ann: ['trader'] })
    const door = await startDoor(
      {
        authenticators: { staff: { type: 'basic', realm: 'Staff', users: file } },
        service: { promote: [{ to: 'smithj' }] },
      },
      t,
    )
    const [joe, eve, ann] = [await connect(door, 'joe'), await connect(door, 'eve'), await connect(door, 'ann')]
    const response = await fetch(door.http('/auth/ticket'), {
      method: 'POST',
      headers: { authorization: basic('eve') },
    })
    const { ticket } = (await response.json()) as { ticket: string }

    const changedMs = performance.now()
    await write({ joe: ['trader'], ann: [] })

    assert.equal((await eve.closed).code, 4401)
    assert.equal((await ann.closed).code, 4401)
    assert.ok(performance.now() - changedMs < 1_500)
    await until(() => door.gateway.sessionCount === 1, 'the sessions of eve and ann are over')
    await assert.rejects(connect(door, 'eve'), UpgradeRefused)
    await assert.rejects(connectAmqplib(door.url(`/amqp?ticket=${ticket}`)), UpgradeRefused)
    assert.equal((await door.line('sessions-revoked'))['count'], 2)

    await writeFile(file, 'users: {')
    await door.line('reload-refused')
    assert.equal(door.gateway.sessionCount, 1)
    await joe.connection.close()
    await (await connect(door, 'joe')).connection.close()
    await door.stop()
    await rm(folder, { recursive: true })
  })
})

describe('the end of an authority', () => {
  it('ends a session to the second, both ways, and only that one', async (t) => {
    const door = await startDoor(
      {
        service: { sessionTimeout: '2s' },
        moreServices: [
          { path: '/long', broker: 'main', vhost: '/', authenticate: ['staff'], promote: [{ to: 'smithj' }] },
        ],
      },
      t,
    )
    const startedMs = performance.now()
    const short = await connect(door)
    const long = await connectAmqplib(door.url('/long'), { websocket: { headers: { authorization: basic() } } })

    assert.equal((await short.closed).code, 4401)

    const tookMs = performance.now() - startedMs
    assert.ok(tookMs >= 1_990 && tookMs < 2_600, `took ${tookMs} ms`)
    await (await door.broker.connection(0)).closed()
    await until(() => door.gateway.sessionCount === 1, 'one session')
    await long.connection.close()
    await door.stop()
  })
})
