/** A client's first message of TLS: real ones whole and in any pieces, and what is none. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Duplex } from 'node:stream'
import { describe, it } from 'node:test'
import { connect } from 'node:tls'
import { readHello } from '../../../../../src/tunnel/door/client-hello.ts'

/** As this Node's own client says it. */
async function helloOf(servername: string): Promise<Buffer> {
  const sent: Buffer[] = []
  const wire = new Duplex({
    read: () => undefined,
    write: (bytes: Buffer, _encoding, done) => {
      sent.push(bytes)
      wire.emit('sent')
      done()
    },
  })
  const client = connect({ socket: wire, servername })
  client.on('error', () => undefined)
  if (sent.length === 0) await once(wire, 'sent')
  client.destroy()
  return Buffer.concat(sent)
}

/** The same message in records of another length. */
function inRecordsOf(length: number, hello: Buffer): Buffer {
  const message = hello.subarray(5)
  const records: Buffer[] = []
  for (let at = 0; at < message.length; at += length) {
    const part = message.subarray(at, at + length)
    records.push(Buffer.from([22, 3, 1, part.length >> 8, part.length & 0xff]), part)
  }
  return Buffer.concat(records)
}

/** The bytes that are still to come; undefined where it is whole, or none. */
function missingIn(bytes: Buffer): number | undefined {
  const hello = readHello(bytes)
  if (hello === 'not-tls' || !('missingBytes' in hello)) return undefined
  assert.ok(hello.missingBytes > 0)
  return hello.missingBytes
}

describe('readHello', () => {
  it('reads the host of a real client, whole, byte by byte, and in any records', async () => {
    const hello = await helloOf('Gate.Example.com')
    assert.deepEqual(readHello(hello), { serverName: 'gate.example.com' })
    for (let length = 0; length < hello.length; length++)
      assert.ok((missingIn(hello.subarray(0, length)) ?? 0) <= hello.length - length, `${length}`)
    for (const length of [1, 3, 50, 200])
      assert.deepEqual(readHello(inRecordsOf(length, hello)), { serverName: 'gate.example.com' })
    assert.deepEqual(readHello(Buffer.concat([hello, Buffer.from([20, 3, 3, 0, 1, 1])])), 'not-tls')
  })

  it('finds no host where a client names none', async () => {
    assert.deepEqual(readHello(await helloOf('')), { serverName: undefined })
  })

  it('takes nothing else for one', async () => {
    const hello = await helloOf('a')
    const changed = (at: number, value: number) => {
      const bytes = Buffer.from(hello)
      bytes[at] = value
      return bytes
    }
    for (const [what, bytes] of [
      ['HTTP', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
      ['AMQP', Buffer.from('AMQP\0\0\x09\x01')],
      ['the first letter of HTTP', Buffer.from('G')],
      ['a PROXY protocol line', Buffer.from('PROXY TCP4 ')],
      ['SSL 2', Buffer.from('802e0100', 'hex')],
      ['another record', changed(0, 23)],
      ['another version', changed(1, 2)],
      ['an empty record', Buffer.from([22, 3, 1, 0, 0])],
      ['a record that is too long', Buffer.from([22, 3, 1, 0xff, 0xff])],
      ['another message', changed(5, 2)],
      ['a message that is too long', changed(6, 1)],
      ['a session id that ends behind the message', changed(43, 255)],
    ] as const)
      assert.equal(readHello(bytes), 'not-tls', what)
  })

  it('never throws, whatever is changed in it', async () => {
    const hello = await helloOf('gate.example.com')
    for (let at = 0; at < hello.length; at++)
      for (const value of [0, 1, 127, 255]) {
        const bytes = Buffer.from(hello)
        bytes[at] = value
        const read = readHello(bytes)
        assert.ok(read === 'not-tls' || 'serverName' in read || read.missingBytes > 0)
      }
  })

  it('G96 is worth a look a hundred times at most, in however small pieces a hello arrives', () => {
    const header = Buffer.from([1, 0, 0x0a, 0xa0])
    const message = Buffer.concat([header, Buffer.alloc(0x0aa0)])
    const records = inRecordsOf(1, Buffer.concat([Buffer.alloc(5), message]))
    let looks = 0
    for (let at = 0; at < records.length; looks++) at += missingIn(records.subarray(0, at)) ?? assert.fail(`${at}`)
    assert.ok(looks < 100, `${looks} looks`)
  })
})
