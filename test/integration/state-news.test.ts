/** Gateways of one store act as one: blocks, kicks, limits; and attackers who may write to the store change none of it. */
import assert from 'node:assert/strict'
import { after, before, describe, it, type TestContext } from 'node:test'
import { basic, type Door, type DoorOptions, startDoor } from '../support/door.ts'
import { type Redis, startRedis } from '../support/redis.ts'
import { type Answer, ask, connectTo, sharing, startGateways, ticketOf, tried } from '../support/state/gateways.ts'
import { type Replica, replicaOf } from '../support/state/shared-rig.ts'
import { until } from '../support/until.ts'

const STREAM = 'gatehouse:{r}:stream'
const QUESTIONS = 'gatehouse:{r}:questions'
const TAKEN = 'gatehouse:{r}:taken'
/** The last entry's. */
function sealedIn(rows: unknown): string {
  return (rows as [string, string[]][]).at(-1)?.[1][3] ?? 'none'
}

/** Names and values in turn, or an object. */
function flat(found: unknown): readonly string[] {
  return (Array.isArray(found) ? found : Object.entries(found as object).flat()).map(String)
}

const block = { subject: 'joe.smith', for: '10m', reason: 'a test' }

describe('gateways of one store', () => {
  let redis: Redis
  let attacker: Replica

  before(async () => {
    redis = await startRedis()
    attacker = await replicaOf(redis)
  })
  after(async () => {
    attacker.store.close()
    await redis.stop()
  })

  const options = (): DoorOptions => sharing({ urls: [redis.url] }, { service: { limits: { sessionsPerIdentity: 6 } } })
  async function gateways(t: TestContext, count: number): Promise<readonly Door[]> {
    await redis.command('FLUSHALL')
    return await startGateways(options(), count, t)
  }

  it('block, unblock and kick everywhere, and say what they are', async (t) => {
    const doors = await gateways(t, 3)
    const [one, two, other] = doors as [Door, Door, Door]
    const clients = await Promise.all(doors.map((door) => connectTo(door)))
    const kicked = await ask(two, 'POST', '/kick', { match: { subject: 'joe.smith' }, hold: '0s' })
    assert.deepEqual([kicked.matched, kicked.ended, kicked.notReached], [3, 3, []])
    for (const { closed } of clients) assert.equal((await closed).code, 1012)

    const more = await Promise.all(doors.map((door) => connectTo(door)))
    const blocked = await ask(one, 'PUT', '/blocks', block)
    assert.deepEqual([blocked.ended, blocked.notReached], [3, []])
    for (const { closed } of more) assert.equal((await closed).code, 4403)
    for (const door of doors) assert.equal(await tried(door), '403')
    assert.equal((await ask(other, 'GET', '/blocks')).items.length, 1)
    await ask(other, 'DELETE', `/blocks/${blocked.id}`)
    for (const door of doors) assert.equal(await tried(door), 'in')

    const { replicas } = await ask(one, 'GET', '/overview')
    assert.equal(new Set(replicas?.map(({ name }) => name)).size, 3)
  })

  it('list the sessions of all, page by page, and show each wherever it is', async (t) => {
    const doors = await gateways(t, 3)
    const [one, two, other] = doors as [Door, Door, Door]
    for (const door of [one, two, other, one, two]) await connectTo(door)
    const pages = await Promise.all(
      [1, 2, 3, 4].map(async (page) => await ask(other, 'GET', `/sessions?sort=-openedAt&page=${page}&pageSize=2`)),
    )
    assert.deepEqual(
      pages.map(({ total, items, notReached }) => [total, items.length, notReached]),
      [2, 2, 1, 0].map((count) => [5, count, []]),
    )
    const names = pages.flatMap(({ items }) => items.map(({ replica }) => replica))
    const [second, first, third] = names
    assert.deepEqual(names, [second, first, third, second, first])
    assert.equal(new Set(names).size, 3)
    const inOrder = await ask(one, 'GET', '/sessions?sort=openedAt')
    assert.deepEqual(
      inOrder.items.map(({ id }) => id),
      pages.flatMap(({ items }) => items.map(({ id }) => id)).reverse(),
    )

    const ofThird = await ask(one, 'GET', `/sessions?replica=${third}`)
    assert.deepEqual([ofThird.total, ofThird.items.length], [1, 1])
    const [elsewhere] = ofThird.items
    const shown = await ask(one, 'GET', `/sessions/${elsewhere?.id}`)
    assert.deepEqual([shown.id, shown.replica], [elsewhere?.id, third])
    await ask(two, 'DELETE', `/sessions/${elsewhere?.id}?hold=0s`)
    await until(async () => (await ask(one, 'GET', '/sessions')).total === 4, 'the end of one')
    const kicked = await ask(two, 'POST', '/kick', { match: { replica: first }, hold: '0s' })
    assert.deepEqual([kicked.matched, kicked.notReached], [2, []])
    const far = await fetch(`${one.gateway.adminAddress?.url}/api/v1/sessions?page=100&pageSize=500`, {
      headers: { authorization: basic() },
    })
    assert.equal(far.status, 400)
    assert.match(await far.text(), /at most the first 5000 sessions/)
  })

  it('name whoever does not answer, and show the others', async (t) => {
    const doors = await gateways(t, 2)
    await Promise.all(doors.map((door) => connectTo(door)))
    await redis.pause()
    try {
      const listed = await ask(doors[0] as Door, 'GET', '/sessions')
      assert.deepEqual([listed.total, listed.notReached.length], [1, 1])
    } finally {
      await redis.resume()
    }
  })

  it('admit no more sessions of one identity than one gateway would', async (t) => {
    const doors = await gateways(t, 3)
    const raced = await Promise.allSettled(
      Array.from({ length: 30 }, (_, index) => connectTo(doors[index % 3] as Door)),
    )
    const admitted = raced.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
    assert.equal(admitted.length, 6)
    for (const door of doors) assert.equal(await tried(door), '429')
    await admitted[0]?.connection.close()
    await until(async () => (await tried(doors[1] as Door)) === 'in', 'the place that was given back')
  })

  it('count shares of one identity together, and give back those of a gateway that is gone', async (t) => {
    await redis.command('FLUSHALL')
    const limits = { perIdentity: { channels: 3 } }
    const doors = await startGateways(sharing({ urls: [redis.url] }, { service: { limits } }), 2, t)
    const [one, two] = doors as [Door, Door]
    const [first, second] = [await connectTo(one), await connectTo(two)]
    for (let count = 0; count < 2; count += 1) await first.connection.createChannel()
    await second.connection.createChannel()
    // Each has said so to the other within a second or two.
    const isFull = async (door: Door): Promise<boolean> => {
      const client = await connectTo(door)
      client.connection.on('error', () => undefined)
      const opened = await client.connection.createChannel().then(
        () => true,
        () => false,
      )
      if (opened) await client.connection.close()
      return !opened
    }
    for (const door of doors) await until(() => isFull(door), 'a share that is used up', 30_000)
    await first.connection.close()
    await until(async () => !(await isFull(two)), 'what was given back', 30_000)
  })

  it('block here while the store is away, name whom they did not reach, and reach them later', async (t) => {
    const doors = await gateways(t, 2)
    const [one, two] = doors as [Door, Door]
    const clients = await Promise.all(doors.map((door) => connectTo(door)))
    await redis.pause()
    let told: Answer
    try {
      told = await ask(one, 'PUT', '/blocks', block)
    } finally {
      await redis.resume()
    }
    assert.deepEqual([told.ended, told.notReached.length], [1, 1])
    assert.equal((await clients[0]?.closed)?.code, 4403)
    assert.equal((await clients[1]?.closed)?.code, 4403)
    assert.equal(await tried(two), '403')
  })

  it('write down again what an emptied store has lost', async (t) => {
    const doors = await gateways(t, 2)
    const [one, two] = doors as [Door, Door]
    await ask(one, 'PUT', '/blocks', block)
    await redis.command('FLUSHALL')
    await until(async () => (await redis.command('XLEN', STREAM)) !== ':0', 'the block in the store', 30_000)
    const late = await startDoor(options(), t)
    await until(async () => (await tried(late)) === '403', 'a block that a new gateway learns of', 30_000)
    assert.equal(await tried(two), '403')
  })

  it('G110 take no used ticket that somebody has written back, at whichever gateway', async (t) => {
    const doors = await gateways(t, 2)
    const [one, two] = doors as [Door, Door]
    const { store } = attacker
    const path = `/amqp?ticket=${await ticketOf(one)}`
    const [key = ''] = (await store.run('probe', 'KEYS', 'gatehouse:{t.*}:t:*')) as string[]
    const value = String(await store.run('probe', 'GET', key))
    assert.equal(await tried(one, path, {}), 'in')
    const told = await until(async () => await store.run('probe', 'XRANGE', TAKEN, '-', '+'), 'word of it')
    // Whoever answers has read what was written before the question.
    assert.deepEqual((await ask(one, 'GET', '/sessions')).notReached, [])
    await store.run('probe', 'SET', key, value)
    assert.equal(await tried(two, path, {}), '401')
    // And where the word of it is taken away, it is given again: a gateway that starts knows of it, too.
    await store.run('probe', 'XTRIM', TAKEN, 'MAXLEN', 0)
    await store.run('probe', 'XADD', TAKEN, '*', 'n', 'elsewhere:1', 's', '{"name":"x","untilMs":1e15}')
    await until(
      async () => JSON.stringify(await store.run('probe', 'XRANGE', TAKEN, '-', '+')).includes(sealedIn(told)),
      'the word of it again',
      30_000,
    )
    const late = await startDoor(options(), t)
    await until(async () => (await ask(one, 'GET', '/overview')).replicas?.length === 3, 'all replicas', 30_000)
    assert.deepEqual((await ask(one, 'GET', '/sessions')).notReached, [])
    await store.run('probe', 'SET', key, value)
    assert.equal(await tried(late, path, {}), '401')
  })

  it('G109 answer nobody who forges, repeats or swells a question, and believe no forged answer', async (t) => {
    const doors = await gateways(t, 2)
    const [one] = doors as [Door, Door]
    const { store } = attacker
    const entries = async () => (await store.run('probe', 'XRANGE', QUESTIONS, '-', '+')) as [string, string[]][]
    const answers = async () => (await store.run('probe', 'KEYS', 'gatehouse:{r}:answer:*')) as string[]
    await connectTo(one)
    assert.equal((await ask(one, 'GET', '/sessions')).total, 1)
    const [, number = '', , sealed = ''] = (await entries()).at(-1)?.[1] ?? []
    const [answer = ''] = await answers()
    const [replica = '', given = ''] = flat(await store.run('probe', 'HGETALL', answer))
    assert.ok(![sealed, given].some((text) => text.includes('joe')))
    await store.run('probe', 'DEL', ...(await answers()))
    for (const [n, s] of [
      [number, sealed],
      ['elsewhere:1', sealed],
      ['elsewhere:2', JSON.stringify({ untilMs: 1e15, question: { kind: 'sessions' } })],
      ['elsewhere:3', 's1.one.'.padEnd(100_000, 'A')],
      ['', ''],
    ] as const) {
      await store.run('probe', 'XADD', QUESTIONS, '*', 'n', n, 's', s)
    }
    // Whatever was asked before has been read by whoever answers this.
    assert.deepEqual((await ask(one, 'GET', '/sessions')).notReached, [])
    const left = (await answers()).filter((key) => [number, 'elsewhere'].some((one) => key.includes(one)))
    assert.deepEqual(left, [])

    // Answers to another question, to none, and of nobody: those that gateways give count alone.
    const forging = (async () => {
      for (let turn = 0; turn < 200; turn += 1) {
        const asked = (await entries()).at(-1)?.[1][1] ?? ''
        const key = `gatehouse:{r}:answer:${asked}`
        await store.run('probe', 'HSETNX', key, replica, turn % 2 === 0 ? given : '{"total":99,"items":[]}')
      }
    })()
    for (let turn = 0; turn < 5; turn += 1) assert.equal((await ask(one, 'GET', '/sessions')).total, 1)
    await forging
  })

  it('G107 believe nobody who writes entries, takes them away, or repeats them', async (t) => {
    const doors = await gateways(t, 2)
    const [one, two] = doors as [Door, Door]
    const { store } = attacker
    const rows = async () => (await store.run('probe', 'XRANGE', STREAM, '-', '+')) as [string, string[]][]
    const blocked = await ask(one, 'PUT', '/blocks', block)
    const blockEntry = (await rows()).at(-1)?.[1] ?? []
    await ask(one, 'DELETE', `/blocks/${blocked.id}`)
    const unblockEntry = (await rows()).at(-1)?.[1] ?? []
    assert.notDeepEqual(blockEntry, unblockEntry)
    assert.ok(!JSON.stringify(await rows()).includes('joe'))
    // The old block again, under its number and under another: nobody is blocked by it.
    await store.run('probe', 'XADD', STREAM, '*', ...blockEntry)
    await store.run('probe', 'XADD', STREAM, '*', 'n', 'elsewhere:1', 's', blockEntry[3] ?? '')
    // The person is blocked again, and the old end of the block is repeated.
    await ask(two, 'PUT', '/blocks', block)
    for (const [number, sealed] of [
      [unblockEntry[1], unblockEntry[3]],
      ['elsewhere:2', unblockEntry[3]],
      [blockEntry[1], unblockEntry[3]],
      ['elsewhere:3', '{"news":{"kind":"unblocked","subject":"joe.smith"}}'],
      ['', ''],
    ]) {
      await store.run('probe', 'XADD', STREAM, '*', 'n', number ?? '', 's', sealed ?? '')
    }
    await store.run('probe', 'XADD', STREAM, '*', 'x', 'y')
    // And the block is taken away, with everything else, and what is nothing stands in its place and under its number.
    const blocks = (await rows()).flatMap(([, fields]) => (fields[0] === 'n' ? [fields[1] ?? ''] : []))
    await store.run('probe', 'XTRIM', STREAM, 'MAXLEN', 0)
    for (const number of blocks) await store.run('probe', 'XADD', STREAM, '*', 'n', number, 's', 's1.one.AAAA')
    const isWhole = async () => (await rows()).some(([, fields]) => (fields[3] ?? '').length > 100)
    await until(isWhole, 'the entries again', 30_000)
    for (const door of doors) assert.equal(await tried(door), '403')
    const late = await startDoor(options(), t)
    await until(async () => (await tried(late)) === '403', 'the last word for a new gateway', 30_000)
  })
})
