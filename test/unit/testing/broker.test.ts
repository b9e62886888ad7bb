import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { describe, it } from 'node:test'
import { brokerAt, checkBroker } from '../../../testing/broker.ts'

describe('the broker of a test', () => {
  it('is what its URL says, and what RabbitMQ has by itself where it does not say', () => {
    assert.deepEqual(brokerAt('amqp://127.0.0.1'), {
      host: '127.0.0.1',
      port: 5672,
      url: 'amqp://127.0.0.1:5672',
      username: 'guest',
      password: 'guest',
      vhost: '/',
    })
    const { host, url, username, password, vhost } = brokerAt('amqp://us%40er:p%2Fw@[::1]:5673/shop%2Feu')
    assert.deepEqual([host, url, username, password, vhost], ['::1', 'amqp://[::1]:5673', 'us@er', 'p/w', 'shop/eu'])
  })

  for (const wrong of ['127.0.0.1:5672', 'http://user:secret@host', 'amqps://host', 'amqp://us%er:secret@host', '']) {
    it(`is refused as ${JSON.stringify(wrong)}, without a word of the password`, () => {
      assert.throws(
        () => brokerAt(wrong),
        (error: unknown) => {
          assert.ok(error instanceof TypeError)
          assert.match(error.message, /^broker: expected amqp:\/\//)
          return !error.message.includes('secret')
        },
      )
    })
  }

  it('is said to be away, with what to do', async () => {
    const server = createServer((socket) => socket.destroy())
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0
    await assert.rejects(
      checkBroker(brokerAt(`amqp://127.0.0.1:${port}`)),
      /no RabbitMQ for the test at amqp:.*docker run/,
    )
    server.close()
    await once(server, 'close')
    await assert.rejects(
      checkBroker(brokerAt(`amqp://127.0.0.1:${port}`)),
      /ECONNREFUSED.*docker run --rm -p 5672:5672/,
    )
  })
})
