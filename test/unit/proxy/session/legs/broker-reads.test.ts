import assert from 'node:assert/strict'
import { Socket } from 'node:net'
import { describe, it } from 'node:test'
import { BrokerReads } from '../../../../../proxy/session/legs/broker-reads.ts'
import { until } from '../../../../support/until.ts'

/** Chunks of so many bytes, ten in each millisecond: 10 kB/ms are dense, 1 kB/ms are not. */
const DENSE_CHUNK_BYTES = 1000
const SPARSE_CHUNK_BYTES = 100

class Stream {
  readonly socket: Socket
  readonly reads: BrokerReads
  nowMs = 1000

  constructor(gathers = true) {
    const socket = new Socket()
    this.socket = socket
    this.reads = new BrokerReads(socket, gathers)
    socket.resume()
  }

  /** Lets chunks arrive, and says after how many of them the socket was left alone; undefined when it was not. */
  arrive(chunks: number, bytes: number, unreadBytes = 0): number | undefined {
    for (let arrived = 1; arrived <= chunks; arrived++) {
      this.nowMs += 0.1
      this.reads.arrived(bytes, unreadBytes, this.nowMs)
      if (this.socket.isPaused()) return arrived
    }
    return undefined
  }
}

describe('BrokerReads', () => {
  it('leaves the socket alone for a moment when bytes come densely', async () => {
    const stream = new Stream()
    // The first to come are counted, and those after the first whole millisecond know.
    assert.ok((stream.arrive(30, DENSE_CHUNK_BYTES) ?? 0) > 10)
    assert.equal(stream.reads.isPaused, false)
    await until(() => !stream.socket.isPaused(), 'the end of the rest')
  })

  it('rests again and again, each time after something that was read since', async () => {
    const stream = new Stream()
    stream.arrive(30, DENSE_CHUNK_BYTES)
    for (let rests = 0; rests < 5; rests++) {
      await until(() => !stream.socket.isPaused(), 'the end of the rest')
      stream.nowMs += 1
      // A first chunk that had been read before the rest, and then what it has gathered.
      assert.equal(stream.arrive(1, DENSE_CHUNK_BYTES), undefined)
      assert.equal(stream.arrive(30, 10 * DENSE_CHUNK_BYTES), 1)
    }
  })

  it('does not when they come sparsely, or in reads that are large already, or seldom', () => {
    assert.equal(new Stream().arrive(1000, SPARSE_CHUNK_BYTES), undefined)
    assert.equal(new Stream().arrive(1000, 32_768), undefined)
    const bursts = new Stream()
    for (let burst = 0; burst < 10; burst++) {
      bursts.nowMs += 50
      assert.equal(bursts.arrive(5, DENSE_CHUNK_BYTES), undefined)
    }
  })

  it('does not in the middle of a frame, whose end somebody may wait for', () => {
    const stream = new Stream()
    for (let unread = DENSE_CHUNK_BYTES; unread < 1_000_000; unread += DENSE_CHUNK_BYTES)
      assert.equal(stream.arrive(1, DENSE_CHUNK_BYTES, unread), undefined)
    assert.equal(stream.arrive(1, DENSE_CHUNK_BYTES, DENSE_CHUNK_BYTES - 1), 1, 'and does behind its end')
  })

  it('does not while the broker is written to, as it would be by a consumer that acknowledges', () => {
    const stream = new Stream()
    for (let window = 0; window < 100; window++) {
      stream.reads.prompted()
      // 1.5 ms: the next window is asked for before the broker has sent on by itself for long.
      assert.equal(stream.arrive(15, DENSE_CHUNK_BYTES), undefined)
    }
    assert.ok((stream.arrive(30, DENSE_CHUNK_BYTES) ?? 0) > 5, 'and does when nothing is asked for any more')
  })

  it('reads on at once when the broker is written to', () => {
    const stream = new Stream()
    stream.arrive(30, DENSE_CHUNK_BYTES)
    assert.ok(stream.socket.isPaused())
    stream.reads.prompted()
    assert.equal(stream.socket.isPaused(), false)
  })

  it('stays paused after a rest when it was paused meanwhile, and resumes from both', async () => {
    const stream = new Stream()
    stream.arrive(30, DENSE_CHUNK_BYTES)
    stream.reads.pause()
    assert.equal(stream.reads.isPaused, true)
    stream.reads.prompted()
    assert.ok(stream.socket.isPaused())
    assert.equal(stream.arrive(1, DENSE_CHUNK_BYTES), 1, 'what was read before still comes')
    stream.reads.resume()
    assert.deepEqual([stream.socket.isPaused(), stream.reads.isPaused], [false, false])

    stream.nowMs += 1
    stream.arrive(30, DENSE_CHUNK_BYTES)
    assert.ok(stream.socket.isPaused())
    stream.reads.resume()
    assert.equal(stream.socket.isPaused(), false, 'a rest does not outlast it')
  })

  it('never rests from a stream that gathers nothing, as TLS, which hands over record by record', () => {
    const stream = new Stream(false)
    assert.equal(stream.arrive(1000, DENSE_CHUNK_BYTES), undefined)
    stream.socket.destroy()
  })
})
