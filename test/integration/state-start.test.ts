/** A store that can never serve refuses the start, with a text that says what is wrong; one that is away does not. */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { freePorts } from '../../src/demo/processes.ts'
import { createCertificates } from '../support/certificates.ts'
import { type DoorOptions, startDoor } from '../support/door.ts'
import { type Redis, startRedis } from '../support/redis.ts'
import { STATE_KEY } from '../support/state/shared-rig.ts'

type StateInput = NonNullable<DoorOptions['state']>

const state = (redis: Pick<Redis, 'url'>, more: Partial<StateInput> = {}): StateInput => ({
  urls: [redis.url],
  key: STATE_KEY,
  ...more,
})

async function refusalOf(input: StateInput): Promise<string> {
  const started = startDoor({ state: input })
  const error = await started.then(
    async (door) => {
      await door.stop()
      return undefined
    },
    (cause: unknown) => cause,
  )
  assert.ok(error instanceof Error, 'the gateway has started')
  return error.message
}

describe('the start with a store', () => {
  let redis: Redis

  before(async () => {
    redis = await startRedis()
  })
  after(() => redis.stop())

  it('is one with metrics and a line in the health page', async (t) => {
    const door = await startDoor({ state: state(redis) }, t)
    const admin = door.gateway.adminAddress?.url
    const ready = (await (await fetch(`${admin}/health/ready`)).json()) as { readonly state?: string }
    assert.equal(ready.state, 'up')
    const metrics = await (await fetch(`${admin}/metrics`)).text()
    assert.match(metrics, /^gatehouse_state_up 1$/m)
    assert.match(metrics, /^gatehouse_state_errors_total\{op="ticket"\} 0$/m)
    await door.line('state-back')
  })

  it('goes on where nobody answers, and finds the store later', async (t) => {
    const late = await startRedis()
    t.after(() => late.stop())
    await late.kill()
    const door = await startDoor({ state: state(late) }, t)
    const { detail } = await door.line('state-away')
    assert.match(String(detail), /ECONNREFUSED|ECONNRESET|no connection|has ended/)
    const ready = await fetch(`${door.gateway.adminAddress?.url}/health/ready`)
    assert.equal(((await ready.json()) as { readonly state?: string }).state, 'degraded')
    await late.start()
    await door.line('state-back')
  })

  it('is refused for a password that is missing or wrong', async (t) => {
    const closed = await startRedis('--requirepass', 'of-the-store')
    t.after(() => closed.stop())
    assert.match(await refusalOf(state(closed)), /state: 127\.0\.0\.1:\d+: the store asks for a password/)
    assert.match(await refusalOf(state(closed, { password: 'wrong' })), /refuses user or password/)
    assert.match(await refusalOf(state(closed, { username: 'nobody', password: 'x' })), /refuses user or password/)
    const door = await startDoor({ state: state(closed, { password: 'of-the-store' }) }, t)
    await door.line('state-back')
  })

  it('is away where its password is another one by now, and the log says that', async (t) => {
    const changed = await startRedis()
    t.after(() => changed.stop())
    await changed.command('ACL', 'SETUSER', 'gate', 'on', '>before', '~*', '&*', '+@all')
    const door = await startDoor({ state: state(changed, { username: 'gate', password: 'before' }) }, t)
    await door.line('state-back')
    await changed.command('ACL', 'SETUSER', 'gate', 'resetpass', '>after')
    await changed.command('CLIENT', 'KILL', 'USER', 'gate')
    await door.line('state-away', ({ detail }) =>
      /^the store refuses user or password \(WRONGPASS/.test(String(detail)),
    )
  })

  it('is refused for a user who may not do all that is needed, and takes one who may', async (t) => {
    await redis.command('ACL', 'SETUSER', 'weak', 'on', '>weak', '~gatehouse:*', '+@read', '+ping', '+info', '+set')
    assert.match(await refusalOf(state(redis, { username: 'weak', password: 'weak' })), /may not do all.*EVAL|eval/i)
    const rule =
      '~gatehouse:* resetchannels -@all +@read +@write +@scripting +@connection +@transaction +info +time -@dangerous +info'
    await redis.command('ACL', 'SETUSER', 'own', 'on', '>own', ...rule.split(' '))
    const door = await startDoor({ state: state(redis, { username: 'own', password: 'own' }) }, t)
    await door.line('state-back')
  })

  it('is refused for a replica, for a node of a cluster, and for what is none', async (t) => {
    const replica = await startRedis('--replicaof', '127.0.0.1', String(redis.port))
    t.after(() => replica.stop())
    assert.match(await refusalOf(state(replica)), /it is a replica, which takes no writes/)
    const node = await startRedis('--cluster-enabled', 'yes')
    t.after(() => node.stop())
    assert.match(await refusalOf(state(node)), /cluster: true/)
    assert.match(await refusalOf(state(redis, { cluster: true })), /it is no node of a cluster/)
  })

  it('is refused for a server without GETDEL', async (t) => {
    const old = await startRedis('--rename-command', 'GETDEL', '')
    t.after(() => old.stop())
    assert.match(await refusalOf(state(old)), /the store \(\d.*\) is too old: it has no GETDEL; expected Redis 6\.2/)
  })

  it('is refused for a key that is none', async () => {
    assert.match(await refusalOf(state(redis, { key: 'abc' })), /state\.key\[0\]: line 1 is not a key/)
    assert.match(
      await refusalOf(state(redis, { key: [STATE_KEY, STATE_KEY] })),
      /state\.key\[1\]: the key one is already/,
    )
    const other = 'gatehouse-key:v1:two:BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc'
    const file = join(redis.folder, 'key')
    await writeFile(file, `${other}\n`, { mode: 0o600 })
    const door = await startDoor({ state: state(redis, { key: [{ file }, STATE_KEY] }) })
    await door.stop()
  })

  it('speaks TLS, and knows whom it speaks with', async (t) => {
    const { authority, server, remove } = await createCertificates()
    t.after(remove)
    const [tlsPort = 0] = await freePorts(1)
    const secure = await startRedis(
      ...['--tls-port', String(tlsPort), '--tls-auth-clients', 'no', '--tls-ca-cert-file', authority.caFile],
      ...['--tls-cert-file', server.certFile, '--tls-key-file', server.keyFile],
    )
    t.after(() => secure.stop())
    const urls = [`rediss://127.0.0.1:${tlsPort}`]
    const door = await startDoor({ state: state(redis, { urls, tls: { ca: authority.caFile } }) }, t)
    await door.line('state-back')
    const stranger = await startDoor({ state: state(redis, { urls }) }, t)
    assert.match(String((await stranger.line('state-away'))['detail']), /certificate/)
    const misnamed = { ca: authority.caFile, serverName: 'elsewhere.example.com' }
    const other = await startDoor({ state: state(redis, { urls, tls: misnamed }) }, t)
    assert.match(String((await other.line('state-away'))['detail']), /elsewhere\.example\.com/)
  })
})
