/** Blocks that survive a restart, and what the program that started the gateway may see and order. */
import assert from 'node:assert/strict'
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { ConfigError } from '../../src/index.ts'
import { connectAmqplib, UpgradeRefused } from '../support/amqplib-over-websocket.ts'
import { basic, type Door, sendRaw, startDoor, upgradeRequest } from '../support/door.ts'
import { call, startManaged } from '../support/managed.ts'

const folder = await mkdtemp(join(tmpdir(), 'gatehouse-blocks-'))
after(async () => await rm(folder, { recursive: true, force: true }))

const joe = (door: Door) => connectAmqplib(door.url(), { websocket: { headers: { authorization: basic() } } })
const statusOf = async (door: Door): Promise<number> =>
  (await sendRaw(door.port, upgradeRequest('/amqp', { more: [['Authorization', basic()]] }))).status
const by = { subject: 'joe.smith', for: '10m', reason: 'left the house' }
const operator = { as: 'operator' }

describe('blocks: a file', () => {
  it('keeps blocks over a restart, for this user only, and forgets those that were lifted', async (t) => {
    const blocks = join(folder, 'blocks.json')
    const first = await startManaged(t, { blocks })
    const { json } = await call(first, 'PUT /api/v1/blocks', { ...operator, body: { ...by, issuer: 'staff' } })
    assert.equal((statSync(blocks).mode & 0o777).toString(8), '600')
    await first.gateway.close()

    const second = await startManaged(t, { blocks })
    assert.equal(await statusOf(second), 403)
    const { json: list } = await call(second, 'GET /api/v1/blocks', operator)
    const [kept] = list['items'] as Record<string, unknown>[]
    assert.deepEqual(
      [kept?.['id'], kept?.['until'], kept?.['issuer'], kept?.['by']],
      [json['id'], json['until'], 'staff', 'operator'],
    )
    assert.equal((await call(second, `DELETE /api/v1/blocks/${String(json['id'])}`, operator)).status, 204)
    await second.gateway.close()

    const third = await startManaged(t, { blocks })
    assert.equal(await statusOf(third), 101)
    assert.deepEqual((JSON.parse(readFileSync(blocks, 'utf8')) as { blocks: unknown[] }).blocks, [])
  })

  it('G66 refuses the start where the file is broken, open to others, or cannot be written', async (t) => {
    const refused = async (blocks: string, text: RegExp) =>
      await assert.rejects(startManaged(t, { blocks }), (error: unknown) => {
        assert.ok(error instanceof ConfigError, String(error))
        assert.match(error.message, text)
        return true
      })
    const broken = join(folder, 'broken.json')
    writeFileSync(broken, '{ "version": 1, "blocks": [{ "subject": "joe" }] }')
    await refused(broken, /^blocks: .*broken\.json: expected blocks as the gateway writes them at blocks\.0\.id: put a/)
    writeFileSync(broken, '{ "version": 1, "blo')
    await refused(broken, /expected blocks as the gateway writes them: put a copy back, or move the file away$/)
    const open = join(folder, 'open.json')
    writeFileSync(open, '{ "version": 1, "blocks": [] }')
    chmodSync(open, 0o666)
    await refused(open, /everybody may write to this file/)
    await refused(join(folder, 'nowhere', 'blocks.json'), /cannot be written \(ENOENT\)/)
  })

  it('says so where a block is in force but could not be kept', async (t) => {
    const place = await mkdtemp(join(folder, 'gone-'))
    const door = await startManaged(t, { blocks: join(place, 'blocks.json') })
    await rm(place, { recursive: true })
    const { status, json } = await call(door, 'PUT /api/v1/blocks', { ...operator, body: by })
    assert.equal(status, 500)
    assert.match(String(json['detail']), /done, but a restart forgets it: .*\(ENOENT\)/)
    assert.equal(await statusOf(door), 403)
    assert.match(String((await door.line('blocks-not-kept'))['detail']), /ENOENT/)
  })
})

describe('a gateway from code', () => {
  it('lists, kicks and blocks with the shapes of the API, and the audit trail says it was the program', async (t) => {
    const door = await startDoor({}, t)
    const { gateway } = door
    const clients = [await joe(door), await joe(door)]
    for (const { connection } of clients) connection.on('error', () => undefined)
    const { total, items } = await gateway.sessions({ subject: 'joe.smith', sort: '-openedAt', pageSize: 1 })
    assert.deepEqual([total, items.length, items[0]?.user], [2, 1, 'smithj'])
    assert.deepEqual(await gateway.kick({ match: { subject: ['joe.smith'] }, dryRun: true }), {
      matched: 2,
      ended: 0,
      notReached: [],
    })
    const kicked = await gateway.kick({ match: { session: items[0]?.id ?? '' }, hold: '0s', reason: 'a new contract' })
    assert.deepEqual(kicked, { matched: 1, ended: 1, notReached: [] })
    const blocked = await gateway.block(by)
    assert.deepEqual([blocked.ended, blocked.issuers, blocked.by], [1, ['staff'], 'program'])
    await assert.rejects(joe(door), UpgradeRefused)
    const audited = await door.line('admin.block')
    assert.deepEqual([audited['actor'], audited['count']], ['program', 1])
    await assert.rejects(gateway.kick({ match: {} }), /^TypeError: mistakes in gateway\.kick\nmatch: expected at least/)
    await assert.rejects(gateway.sessions({ page: 0, sort: 'secret' }), TypeError)
    await assert.rejects(gateway.block({ ...by, for: '0s' }), /for: expected a duration from 1s/)
  })
})
