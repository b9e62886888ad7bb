import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { LocalDoor } from '../../../../../src/tunnel/connect/local-door.ts'

const NOTHING = { entered: () => undefined, turnedAway: () => undefined }

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'gatehouse-local-door-'))
  t.after(() => rm(path, { recursive: true }))
  return path
}

describe('a local door', () => {
  it('takes clients at an address of this machine', async () => {
    let count = 0
    const door = await LocalDoor.open(
      { host: '127.0.0.1', port: 0 },
      {
        ...NOTHING,
        entered: (socket) => {
          count += 1
          socket.destroy()
        },
      },
    )
    const socket = connect(door.port ?? 0, '127.0.0.1')
    socket.on('error', () => undefined)
    await once(socket, 'close')
    assert.equal(count, 1)
    assert.equal(door.address, `127.0.0.1:${door.port}`)
    door.close()
  })

  it('G101 is a UNIX socket that only its owner may open', async (t) => {
    const path = join(await folder(t), 'amqp')
    const door = await LocalDoor.open({ path }, NOTHING)
    assert.equal((await stat(path)).mode & 0o777, 0o600)
    assert.equal(door.address, path)
    door.close()
  })

  it('takes the place of a socket that a killed process left, and of nothing else', async (t) => {
    const path = join(await folder(t), 'amqp')
    const used = createServer((socket) => socket.destroy()).listen(path)
    await once(used, 'listening')
    await assert.rejects(LocalDoor.open({ path }, NOTHING), { code: 'EADDRINUSE' })
    used.close()
    await once(used, 'close')
    await writeFile(path, 'a file of somebody')
    await assert.rejects(LocalDoor.open({ path }, NOTHING), { code: 'EADDRINUSE' })
  })
})
