/** `development: true`: clients read why they are refused, at loopback addresses only. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { connectAmqplib, HandshakeRefused } from '../support/amqplib-over-websocket.ts'
import { basic, type Door, ORIGIN, sendRaw, startDoor, upgradeRequest } from '../support/door.ts'

const textOf = async (door: Door): Promise<string> => {
  const headers = { authorization: basic('guest'), origin: ORIGIN }
  const outcome = await connectAmqplib(door.url(), { websocket: { headers } }).catch((error: unknown) => error)
  assert.ok(outcome instanceof HandshakeRefused, String(outcome))
  return outcome.message
}

describe('a service under development', () => {
  it('says in band, by HTTP and at /auth/ why somebody is refused', async (t) => {
    const service = { development: true, require: { roles: ['trader'] } }
    const door = await startDoor({ service }, t)
    const why = /this login may not use this service \(development: lacking-role: lacks "trader"\)/
    assert.match(await textOf(door), why)
    const more: [string, string][] = [['Authorization', basic('guest')]]
    assert.match((await sendRaw(door.port, upgradeRequest('/amqp', { more }))).body, why)
    const ticket = await fetch(door.http('/auth/ticket'), { method: 'POST', headers: { authorization: 'Basic x' } })
    assert.match(await ticket.text(), /not authenticated: log in again \(development: unauthenticated: /)
  })

  it('keeps within what a reply-text can hold, whatever the detail says', async (t) => {
    const roles = ['é'.repeat(200)]
    const door = await startDoor({ service: { development: true, require: { roles } } }, t)
    const text = await textOf(door)
    assert.match(text, /lacks "é+…/)
    assert.ok(!text.includes('\uFFFD'))
  })

  it('says nothing of it otherwise', async (t) => {
    const door = await startDoor({ service: { require: { roles: ['trader'] } } }, t)
    assert.doesNotMatch(await textOf(door), /trader|development/)
  })
})
