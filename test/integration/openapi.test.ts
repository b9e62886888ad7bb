/** The management API's description of itself is valid, complete, and true. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Validator } from '@seriousme/openapi-schema-validator'
import { connectAmqplib } from '../support/amqplib-over-websocket.ts'
import { ApiJudge } from '../support/api-judge.ts'
import { basic, sendRaw, upgradeRequest } from '../support/door.ts'
import { call, startManaged } from '../support/managed.ts'

describe('GET /api/openapi.json', () => {
  it('is valid, describes every route, and every answer is as it says', async (t) => {
    const door = await startManaged(t, {
      service: {
        limits: { perIdentity: { channels: 5, publishesPerSecond: 100 } },
        permissions: [{ for: { role: 'trader' }, read: [{ queue: 'orders' }] }],
      },
    })
    const admin = { as: 'administrator' }
    const { json: document } = await call(door, 'GET /api/openapi.json', admin)
    const { valid, errors } = await new Validator().validate(document)
    assert.ok(valid, JSON.stringify(errors))
    const judge = new ApiJudge(document)
    const asked: string[] = []
    const ask = async (route: string, body?: unknown) => {
      const { status, json } = await call(door, route, { ...admin, body })
      judge.check(route, status, json)
      asked.push(route)
      return json
    }

    const client = await connectAmqplib(door.url(), { websocket: { headers: { authorization: basic() } } })
    client.connection.on('error', () => undefined)
    await client.connection.createChannel()
    await sendRaw(door.port, upgradeRequest('/nowhere', {}))
    const { items } = await ask('GET /api/v1/sessions?subject=joe.smith&sort=-openedAt')
    const [{ id } = { id: '' }] = items as { id: string }[]
    const detail = await ask(`GET /api/v1/sessions/${id}`)
    assert.notDeepEqual([detail['permissions'], detail['limits']], [null, null])
    for (const route of ['overview', 'me', 'history', 'identities', 'rules', 'refusals', 'config'])
      await ask(`GET /api/v1/${route}`)
    await ask('GET /api/openapi.json')
    await ask('POST /api/v1/explain', { subject: 'joe.smith', roles: ['trader'], may: ['consume orders', 'get x'] })
    await ask('POST /api/v1/explain', { subject: 'nobody' })
    await ask('POST /api/v1/explain', {})
    await ask('POST /api/v1/reload')
    await ask('POST /api/v1/kick', { match: { subject: 'joe.smith' }, hold: '0s' })
    await ask('POST /api/v1/kick', { match: {} })
    await ask('DELETE /api/v1/sessions/none?hold=1s')
    const block = await ask('PUT /api/v1/blocks', { subject: 'joe.smith', for: '1m', reason: 'a test' })
    await ask('GET /api/v1/blocks')
    await ask(`DELETE /api/v1/blocks/${String(block['id'])}`)
    await ask('POST /api/v1/drain', { over: '1s', lameDuck: '10s' })
    await ask('DELETE /api/v1/drain')
    const paths = new Set(asked.map((route) => route.split('?')[0]?.replace(/(sessions|blocks)\/[^/]+$/, '$1/{id}')))
    const left = judge.routes.filter((route) => !paths.has(route))
    assert.deepEqual(left, ['GET /api/v1/events'])
  })

  it('tells what may be sent, and who may send it', async (t) => {
    const door = await startManaged(t)
    const { json } = await call(door, 'GET /api/openapi.json', { as: 'viewer' })
    const paths = json['paths'] as Record<string, Record<string, Record<string, unknown>>>
    const kick = paths['/api/v1/kick']?.['post']
    assert.equal(kick?.['description'], 'Needs the role operator. Recorded as admin.kick.')
    const body = JSON.stringify(kick?.['requestBody'])
    for (const field of ['match', 'reason', 'hold', 'perSecond', 'dryRun'])
      assert.ok(body.includes(`"${field}"`), field)
    const list = JSON.stringify(paths['/api/v1/sessions']?.['get']?.['parameters'])
    for (const field of ['subject', 'address', 'sort', 'pageSize']) assert.ok(list.includes(`"${field}"`), field)
    for (const [path, methods] of Object.entries(paths))
      for (const [method, { summary }] of Object.entries(methods)) assert.notEqual(summary, '', `${method} ${path}`)
  })
})
