/**
 * Field tables, held against a live broker: each of the 256 type tags and each way to cut or bend a table is sent
 * straight to it and through the gateway. What the broker refuses, the gateway refuses; what the gateway refuses beyond
 * that is listed here by name.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { FRAME_METHOD, frame } from '../../proxy/codec/frame.ts'
import { basic } from '../support/door.ts'
import { type LiveGateway, startLiveGateway } from '../support/live-gateway.ts'
import { isClosed, RawClient } from '../support/raw-client.ts'

type Verdict = 'accepts' | 'refuses'

const u32 = (value: number) => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
const long = (bytes: Buffer) => Buffer.concat([u32(bytes.length), bytes])
const short = (bytes: Buffer) => Buffer.concat([Buffer.from([bytes.length]), bytes])
const tag = (type: string) => Buffer.from(type, 'latin1')
/** One entry: key, tag, value as it is. */
const entry = (type: string, value: Buffer, key = Buffer.from('k')) => Buffer.concat([short(key), tag(type), value])
const zeros = (count: number) => Buffer.alloc(count)

/** `queue.declare` of a server-named, exclusive queue whose arguments are these bytes, length before them included. */
function declare(args: Buffer, after = Buffer.alloc(0)): Buffer {
  return frame(FRAME_METHOD, 1, Buffer.concat([Buffer.from([0, 50, 0, 10, 0, 0, 0, 0b100]), args, after]))
}

/** The smallest value of each type that RabbitMQ's grammar has. */
const SMALLEST: Record<string, Buffer> = {
  ...Object.fromEntries([...'tbB'].map((type) => [type, zeros(1)])),
  ...Object.fromEntries([...'su'].map((type) => [type, zeros(2)])),
  ...Object.fromEntries([...'IifSxAF'].map((type) => [type, zeros(4)])),
  ...Object.fromEntries([...'lLdT'].map((type) => [type, zeros(8)])),
  D: zeros(5),
  V: zeros(0),
}

/** A table with so many tables inside each other. */
function nested(depth: number): Buffer {
  let table = long(Buffer.alloc(0))
  for (let n = 1; n < depth; n++) table = long(entry('F', table))
  return table
}

const NAN = { f: Buffer.from('7fc00000', 'hex'), d: Buffer.from('7ff8000000000000', 'hex') }
const INFINITY = { f: Buffer.from('7f800000', 'hex'), d: Buffer.from('fff0000000000000', 'hex') }

/** Name → frame, and the verdict of both. */
const EQUAL: Record<string, readonly [Buffer, Verdict]> = {
  'an empty table': [declare(long(zeros(0))), 'accepts'],
  'true as any octet but zero': [declare(long(entry('t', Buffer.from([255])))), 'accepts'],
  'the largest integers': [
    declare(long(Buffer.concat([entry('l', zeros(8).fill(255)), entry('T', zeros(8).fill(255))]))),
    'accepts',
  ],
  'a decimal of scale 255': [declare(long(entry('D', zeros(5).fill(255)))), 'accepts'],
  'bytes that are no text': [declare(long(entry('S', long(Buffer.from([0, 128, 255]))))), 'accepts'],
  'an array of all kinds': [
    declare(
      long(
        entry(
          'A',
          long(Buffer.concat(Object.entries(SMALLEST).map(([type, value]) => Buffer.concat([tag(type), value])))),
        ),
      ),
    ),
    'accepts',
  ],
  'one key twice': [declare(long(Buffer.concat([entry('V', zeros(0)), entry('t', zeros(1))]))), 'accepts'],
  'an empty key': [declare(long(entry('V', zeros(0), zeros(0)))), 'accepts'],
  'a key of 255 bytes': [declare(long(entry('V', zeros(0), zeros(255).fill('k')))), 'accepts'],
  'a key that JavaScript objects have': [declare(long(entry('V', zeros(0), Buffer.from('__proto__')))), 'accepts'],
  '32 tables inside each other': [declare(nested(32)), 'accepts'],
  'a float that is not a number': [declare(long(entry('f', NAN.f))), 'refuses'],
  'an infinite float': [declare(long(entry('f', INFINITY.f))), 'refuses'],
  'a double that is not a number': [declare(long(entry('d', NAN.d))), 'refuses'],
  'an infinite double': [declare(long(entry('d', INFINITY.d))), 'refuses'],
  'a string longer than its table': [declare(long(entry('S', u32(9)))), 'refuses'],
  'a table longer than its table': [declare(long(entry('F', u32(9)))), 'refuses'],
  'an array longer than its table': [declare(long(entry('A', u32(9)))), 'refuses'],
  'a table shorter than its entry': [declare(Buffer.concat([u32(3), entry('S', long(zeros(2)))])), 'refuses'],
  'a table longer than its method': [declare(u32(5)), 'refuses'],
  'a negative length': [declare(u32(0xffff_ffff)), 'refuses'],
  'a key without a value': [declare(long(short(Buffer.from('k')))), 'refuses'],
  'a key longer than its table': [declare(long(Buffer.from([200, 107]))), 'refuses'],
  'an array that ends inside an element': [
    declare(long(entry('A', long(Buffer.concat([tag('I'), zeros(3)]))))),
    'refuses',
  ],
  'an unknown type inside an array': [declare(long(entry('A', long(tag('Z'))))), 'refuses'],
  'an unknown type two tables deep': [
    declare(long(entry('F', long(entry('F', long(entry('Z', zeros(0)))))))),
    'refuses',
  ],
  'a byte behind the method': [declare(long(zeros(0)), zeros(1)), 'refuses'],
  'no table at all': [declare(zeros(0)), 'refuses'],
}

/** What the broker takes and the gateway does not: bounds, and names that are no text. */
const STRICTER: Record<string, Buffer> = {
  '33 tables inside each other': declare(nested(33)),
  '1025 entries': declare(long(Buffer.concat(Array.from({ length: 1025 }, () => entry('V', zeros(0)))))),
  'a key that is not UTF-8': declare(long(entry('V', zeros(0), Buffer.from([0xc3, 0x28])))),
}

describe('field tables at a live broker', () => {
  let live: LiveGateway
  before(async () => {
    live = await startLiveGateway()
  })
  after(() => live.stop())

  const ways = {
    broker: () => RawClient.overTcp(live.broker, live.users.webuser, live.broker.vhost),
    gateway: () => RawClient.overWebSocket(live.url(), { authorization: basic('ada') }),
  }

  /** Sends each frame on a channel that lives as long as nothing is refused there. */
  async function verdicts(way: keyof typeof ways, frames: readonly Buffer[]): Promise<Verdict[]> {
    let client: RawClient | undefined
    const found: Verdict[] = []
    for (const bytes of frames) {
      client ??= await ways[way]()
      const refused = await refuses(client, bytes)
      found.push(refused ? 'refuses' : 'accepts')
      if (refused) {
        client.close()
        client = undefined
      }
    }
    client?.close()
    return found
  }

  /** The gateway says connection.close; RabbitMQ drops the connection, some releases with a word, some without. */
  async function refuses(client: RawClient, bytes: Buffer): Promise<boolean> {
    client.write(bytes)
    try {
      const answer = await client.answer('queue.declare-ok')
      return isClosed(answer) && answer.refused === 'connection.close'
    } catch (error) {
      if (client.isClosed) return true
      throw error
    }
  }

  async function both(frames: readonly Buffer[]): Promise<{ broker: Verdict[]; gateway: Verdict[] }> {
    const [broker, gateway] = await Promise.all([verdicts('broker', frames), verdicts('gateway', frames)])
    return { broker, gateway }
  }

  for (const part of [0, 64, 128, 192]) {
    it(`C13 tags ${part} to ${part + 63}`, async () => {
      const tags = Array.from({ length: 64 }, (_, n) => String.fromCharCode(part + n))
      const frames = tags.map((type) => declare(long(entry(type, SMALLEST[type] ?? zeros(8)))))

      const { broker, gateway } = await both(frames)

      assert.deepEqual(gateway, broker)
      assert.deepEqual(
        tags.filter((_, at) => broker[at] === 'accepts'),
        tags.filter((type) => type in SMALLEST),
      )
    })
  }

  it('C13 C14 every way to cut or bend a table', async () => {
    const { broker, gateway } = await both(Object.values(EQUAL).map(([bytes]) => bytes))

    const named = (found: readonly Verdict[]) =>
      Object.fromEntries(Object.keys(EQUAL).map((name, at) => [name, found[at]]))
    const expected = Object.fromEntries(Object.entries(EQUAL).map(([name, [, verdict]]) => [name, verdict]))
    assert.deepEqual(named(broker), expected)
    assert.deepEqual(named(gateway), expected)
  })

  it('what the gateway alone refuses', async () => {
    const { broker, gateway } = await both(Object.values(STRICTER))
    assert.deepEqual(broker, ['accepts', 'accepts', 'accepts'])
    assert.deepEqual(gateway, ['refuses', 'refuses', 'refuses'])
  })
})
