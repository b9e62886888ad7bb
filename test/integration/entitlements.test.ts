/** Entitlements in front of a live broker: at admission, at renewal, at each refresh, at a reload; and while nobody answers. */
import assert from 'node:assert/strict'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, beforeEach, describe, it } from 'node:test'
import { consume, queueDeclare } from '../support/filter-session.ts'
import { type PermissionGateway, startPermissionGateway, token } from '../support/permission-gateway.ts'
import { isClosed, type RawClient } from '../support/raw-client.ts'
import { until } from '../support/until.ts'

interface Input {
  readonly subject: string
  readonly roles: readonly string[]
  readonly service: string
  readonly user: string
  readonly vhost: string
}

/** Answers as Open Policy Agent does: `undefined` is an undefined decision, a number is a status. */
let decide: (input: Input) => object | number | undefined = () => ({ allow: true })
let questions: Input[] = []
let live: PermissionGateway

const service = createServer((request, response) => {
  void bodyOf(request).then((body) => {
    const { input } = JSON.parse(body) as { input: Input }
    questions.push(input)
    const decision = decide(input)
    response.statusCode = typeof decision === 'number' ? decision : 200
    response.end(JSON.stringify(typeof decision === 'object' ? { result: decision } : {}))
  })
})

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = ''
  for await (const chunk of request) body += String(chunk)
  return body
}

before(async () => {
  await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(service.address() as AddressInfo).port}/v1/data/gatehouse/admit`
  live = await startPermissionGateway({
    '/amqp': {
      entitlements: { url, refresh: '1s', staleFor: '3s' },
      permissions: [{ for: { role: 'desk' }, read: [{ queue: 'desk' }] }],
    },
    '/slow': { entitlements: { url, refresh: '1h' }, permissions: [] },
    '/alone': { entitlements: { url, refresh: '1h' } },
  })
  for (const queue of ['desk', 'news']) await live.judge.assertQueue(queue)
})

after(async () => {
  await live.stop()
  service.closeAllConnections()
  service.close()
})

beforeEach(() => {
  decide = () => ({ allow: true })
  questions = []
})

async function mayRead(client: RawClient, queue: string): Promise<boolean> {
  const answer = await client.call('basic.get', { queue, noAck: true }, 'basic.get-empty')
  return !isClosed(answer)
}

const READ_NEWS = { allow: true, permissions: { read: [{ queue: 'news' }] } }

describe('entitlements at admission', () => {
  it('add to what is written, and roles of theirs count for `for:`', async () => {
    decide = () => ({ ...READ_NEWS, roles: ['desk'] })
    const client = await live.connect('joe', ['trader'])
    assert.ok(await mayRead(client, 'news'))
    assert.ok(await mayRead(client, 'desk'))
    const [asked] = questions
    assert.deepEqual(
      [asked?.subject, asked?.roles, asked?.service, asked?.user, asked?.vhost],
      ['joe', ['trader'], '/amqp', live.webuser.username, live.broker.vhost],
    )
    client.close()
  })

  it('without permissions give none, also where none are written', async () => {
    const client = await live.connect('joe', [], { path: '/alone' })
    assert.ok(!(await mayRead(client, 'news')))
    assert.ok(isClosed(await client.call('queue.declare', queueDeclare('x'), 'queue.declare-ok')))
    client.close()
  })

  it('refuse with 403 and the reason', async () => {
    decide = () => ({ allow: false, reason: 'not on Sundays' })
    await assert.rejects(live.connect('joe'), /403/)
    const line = await live.event('authorization-refused', ({ cause }) => cause === 'entitlement-refused')
    assert.match(String(line['detail']), /not on Sundays/)
  })

  it('B50 refuse with 503 where there is no answer, or none that is one', async () => {
    for (const answer of [
      undefined,
      500,
      { allow: 'yes' },
      { allow: true, permissions: { read: [{ queue: '${subject}' }] } },
    ]) {
      decide = () => answer
      await assert.rejects(live.connect('joe'), /503/)
    }
    assert.ok(live.events('entitlements-failed').every(({ cause }) => cause === 'entitlement-unavailable'))
  })

  it('ask nothing for messages', async () => {
    decide = () => READ_NEWS
    const client = await live.connect('joe', [], { path: '/slow' })
    for (let n = 0; n < 50; n += 1) await mayRead(client, 'news')
    assert.equal(questions.length, 1)
    client.close()
  })
})

describe('entitlements of live sessions', () => {
  it('narrow them within a refresh: a consumer that may not read any more is cancelled', async () => {
    decide = () => READ_NEWS
    const client = await live.connect('joe')
    await client.call('basic.consume', consume('news', { consumerTag: 'c' }), 'basic.consume-ok')
    decide = () => ({ allow: true })
    assert.equal((await client.next()).name, 'basic.cancel')
    assert.ok(!(await mayRead(client, 'news')))
    client.close()
  })

  it('widen them likewise', async () => {
    const client = await live.connect('ann')
    assert.ok(!(await mayRead(client, 'news')))
    decide = () => READ_NEWS
    await until(async () => await mayRead(client, 'news'), 'the right to read')
    client.close()
  })

  it('share a question among the sessions of one identity', async () => {
    const clients = await Promise.all(Array.from({ length: 10 }, () => live.connect('eve')))
    questions = []
    const before = performance.now()
    await until(() => questions.length >= 3, 'three refreshes')
    assert.ok(questions.length <= (performance.now() - before) / 800 + 2, `${questions.length} questions`)
    for (const client of clients) client.close()
  })

  it('end them with 320 and the reason, where the answer is no', async () => {
    const client = await live.connect('joe')
    decide = () => ({ allow: false, reason: 'left the desk' })
    const end = await client.next(0)
    assert.deepEqual([end.name, end.fields['replyCode']], ['connection.close', 320])
    assert.match(String(end.fields['replyText']), /left the desk/)
    const line = await live.event('session-ended', ({ reason }) => reason === 'entitlement-ended')
    assert.equal(line['closeCode'], 4403)
    client.close()
  })

  it('B50 keep the last answer for staleFor where nobody answers, and end with 1013 then', async () => {
    decide = () => READ_NEWS
    const client = await live.connect('joe')
    decide = () => 500
    const startedMs = performance.now()
    assert.ok(await mayRead(client, 'news'))
    const end = await client.next(0)
    assert.deepEqual([end.name, end.fields['replyCode']], ['connection.close', 320])
    assert.ok(performance.now() - startedMs > 2_500)
    const line = await live.event(
      'session-ended',
      ({ reason, closeCode }) => reason === 'entitlement-ended' && closeCode === 1013,
    )
    assert.equal(line['subject'], 'joe')
    client.close()
  })

  it('end at `until`', async () => {
    decide = () => ({ allow: true, until: new Date(Date.now() + 2_500).toISOString() })
    const client = await live.connect('joe', [], { path: '/slow' })
    decide = () => undefined
    const end = await client.next(0)
    assert.deepEqual([end.name, end.fields['replyCode']], ['connection.close', 320])
    client.close()
  })

  it('are asked for again at a renewal', async () => {
    decide = ({ roles }) => (roles.includes('trader') ? READ_NEWS : { allow: true })
    const client = await live.connect('joe', [], { path: '/slow' })
    assert.ok(!(await mayRead(client, 'news')))
    const newSecret = Buffer.from(token('joe', ['trader']))
    client.send('connection.update-secret', { newSecret, reason: 'test' }, 0)
    await client.expect('connection.update-secret-ok', 0)
    assert.ok(await mayRead(client, 'news'))
    decide = () => ({ allow: false, reason: 'no traders' })
    client.send('connection.update-secret', { newSecret: Buffer.from(token('joe', ['trader'])), reason: 'test' }, 0)
    assert.equal((await client.next(0)).name, 'connection.close')
    client.close()
  })
})

describe('a reload', () => {
  it('judges by the last answers and asks nobody', async () => {
    decide = () => READ_NEWS
    const client = await live.connect('joe', [], { path: '/slow' })
    questions = []
    decide = () => ({ allow: false })
    const report = await live.gateway.reload()
    assert.equal(report.sessions.ended, 0)
    assert.ok(await mayRead(client, 'news'))
    assert.deepEqual(
      questions.filter((question) => question.service === '/slow'),
      [],
    )
    client.close()
  })
})
