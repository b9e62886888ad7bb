import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { chooseSubprotocol } from '../../../../src/websocket/subprotocol.ts'

const TOKEN = 'base64url.bearer.authorization.k8s.io.ZXlKaGJHY2lPaUpGVXpJMU5pSjk'

describe('chooseSubprotocol', () => {
  it('names none where none was offered', () => assert.deepEqual(chooseSubprotocol(undefined), { accepted: true }))

  for (const header of ['', ' ', ',', ' , ,']) {
    it(`takes the empty list '${header}' for none`, () =>
      assert.deepEqual(chooseSubprotocol(header), { accepted: true }))
  }

  for (const header of ['amqp', 'amqp,', ', amqp ,,', 'binary, amqp', `amqp, ${TOKEN}`, `${TOKEN},amqp`]) {
    it(`answers amqp to '${header.slice(0, 20)}…'`, () => {
      assert.deepEqual(chooseSubprotocol(header), { accepted: true, protocol: 'amqp' })
    })
  }

  for (const header of ['binary', 'AMQP', 'amqp091, x-kaazing-handshake', TOKEN, 'amqp, amqp', 'am qp']) {
    it(`refuses '${header.slice(0, 30)}'`, () => assert.equal(chooseSubprotocol(header).accepted, false))
  }

  it('never shows a token in what it complains about', () => {
    const refused = chooseSubprotocol(TOKEN)
    assert.ok(!refused.accepted)
    assert.doesNotMatch(refused.detail, /ZXlK/)
  })
})
