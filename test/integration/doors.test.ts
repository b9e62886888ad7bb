/** Clients outside reach a gateway inside that listens nowhere: through doors, which it dials. */
import assert from 'node:assert/strict'
import { after, before, describe, it, type TestContext } from 'node:test'
import { connectAmqplib } from '../support/amqplib-over-websocket.ts'
import { basic, type Door, startDoor } from '../support/door.ts'
import { Wall } from '../support/wall.ts'

let wall: Wall
before(async () => {
  wall = await Wall.build()
})
after(() => wall.remove())

/** A gateway at these doors. */
async function gatewayAt(t: TestContext, urls: readonly string[], spare = 4, which: 0 | 1 = 0): Promise<Door> {
  return await startDoor({ listen: [wall.listener(urls, spare, which)], service: { refusal: 'http' } }, t)
}

function client(port: number, headers: Readonly<Record<string, string>> = {}, localAddress = '127.0.0.7') {
  return connectAmqplib(`wss://localhost:${port}/amqp`, {
    websocket: {
      family: 4,
      localAddress,
      ca: wall.certificates.authority.ca,
      headers: { authorization: basic(), ...headers },
    },
  })
}

describe('a gateway behind doors', () => {
  it('serves clients of every door, each as who they are', async (t) => {
    const [one, two] = [await wall.door(t), await wall.door(t)]
    const gateway = await gatewayAt(t, [one.url, two.url])
    await Promise.all([one.spare(4), two.spare(4)])
    for (const { door } of [one, two]) {
      const { connection } = await client(door.port)
      await connection.close()
    }
    assert.equal(gateway.lines.filter(({ event }) => event === 'session-opened').length, 2)
    await one.spare(4)
  })
})
