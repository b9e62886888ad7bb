import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Duplex, PassThrough } from 'node:stream'
import { describe, it, mock } from 'node:test'
import fc from 'fast-check'
import { WebSocket, WebSocketServer } from 'ws'
import { writeMessage } from '../../../../src/websocket/message-frames.ts'

/** What is written for a message of such parts, and in how many writes. */
function written(...parts: string[]): { bytes: Buffer; writes: number } {
  const stream = new PassThrough()
  const write = mock.method(stream, 'write')
  writeMessage(
    stream,
    parts.map((part) => Buffer.from(part)),
  )
  return { bytes: stream.read() as Buffer, writes: write.mock.callCount() }
}

describe('writeMessage', () => {
  it('writes the frames of RFC 6455 §5.7, as binary ones', () => {
    assert.deepEqual(written('Hello').bytes, Buffer.from('820548656c6c6f', 'hex'))
    assert.deepEqual(written('Hel', 'lo').bytes, Buffer.from('020348656c80026c6f', 'hex'))
    assert.deepEqual(written('x'.repeat(256)).bytes.subarray(0, 5), Buffer.from('827e010078', 'hex'))
    assert.deepEqual(written('x'.repeat(65_536)).bytes.subarray(0, 11), Buffer.from('827f000000000001000078', 'hex'))
  })

  it('chooses the shortest form of a length, as it must', () => {
    for (const [bytes, head] of [
      [0, '8200'],
      [125, '827d'],
      [126, '827e007e'],
      [65_535, '827effff'],
      [65_536, '827f0000000000010000'],
    ] as const) {
      const frame = written('x'.repeat(bytes)).bytes
      assert.equal(frame.subarray(0, head.length / 2).toString('hex'), head)
      assert.equal(frame.length, head.length / 2 + bytes)
    }
  })

  it('writes a small message at once, and copies nothing large', () => {
    assert.equal(written('x'.repeat(2047)).writes, 1)
    const stream = new PassThrough()
    const write = mock.method(stream, 'write')
    const large = Buffer.alloc(2048)
    writeMessage(stream, [large])
    assert.equal(write.mock.calls[1]?.arguments[0], large)
  })

  it('says when all was taken, once', async () => {
    for (const parts of [[Buffer.alloc(3)], [Buffer.alloc(3), Buffer.alloc(4000)]]) {
      const stream = new PassThrough()
      await new Promise<void>((resolve) => writeMessage(stream, parts, resolve))
      assert.equal(
        stream.readableLength,
        parts.reduce((sum, part) => sum + part.length + (part.length > 125 ? 4 : 2), 0),
      )
    }
  })

  it('is read by a WebSocket client as what it was, however it is cut', async (t) => {
    const door = new WebSocketServer({ noServer: true, perMessageDeflate: false })
    const server = createServer()
    const upgraded = new Promise<Duplex>((resolve) => {
      server.on('upgrade', (request, stream, head) => door.handleUpgrade(request, stream, head, () => resolve(stream)))
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/`)
    t.after(() => {
      client.terminate()
      server.close()
    })
    const stream = await upgraded
    const part = fc.integer({ min: 0, max: 70_000 }).chain((most) => fc.uint8Array({ maxLength: most, size: 'max' }))
    await fc.assert(
      fc.asyncProperty(fc.array(part, { minLength: 1, maxLength: 6 }), async (parts) => {
        const buffers = parts.map((bytes) => Buffer.from(bytes))
        const came = once(client, 'message') as Promise<[Buffer, boolean]>
        writeMessage(stream, buffers)
        const [message, isBinary] = await came
        assert.equal(isBinary, true)
        assert.ok(message.equals(Buffer.concat(buffers)))
      }),
      { numRuns: 50 },
    )
  })
})
