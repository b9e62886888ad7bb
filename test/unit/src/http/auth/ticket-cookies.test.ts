/** Ticket cookies that browsers keep to themselves. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { TicketCookies } from '../../../../../src/http/auth/ticket-cookies.ts'

const holder = { service: '/amqp', origin: 'https://app.example.com', address: '192.0.2.1' }

describe('ticket cookies', () => {
  it('are missed for a minute, by whoever got them, once', () => {
    let now = 0
    const cookies = new TicketCookies(() => now)
    cookies.issued(holder)
    for (const other of [{ service: '/b' }, { origin: 'https://b.example' }, { address: '192.0.2.2' }]) {
      assert.equal(cookies.missing({ ...holder, ...other }), undefined)
    }
    now = 2_400
    assert.match(String(cookies.missing(holder)), /2 s ago and did not come back/)
    assert.equal(cookies.missing(holder), undefined)
    cookies.issued(holder)
    now += 60_001
    assert.equal(cookies.missing(holder), undefined)
  })

  it('are not missed that came back', () => {
    const cookies = new TicketCookies()
    cookies.issued(holder)
    cookies.cameBack(holder)
    assert.equal(cookies.missing(holder), undefined)
  })

  it('are a thousand at most', () => {
    const cookies = new TicketCookies()
    for (let index = 0; index <= 1000; index += 1) cookies.issued({ ...holder, address: String(index) })
    assert.equal(cookies.missing({ ...holder, address: '0' }), undefined)
    assert.ok(cookies.missing({ ...holder, address: '1' }))
  })
})
