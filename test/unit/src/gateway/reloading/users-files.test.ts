/** Users files: what changed after they were read for a generation counts from its beginning on. */
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { MemoryState } from '../../../../../auth/index.ts'
import { basicAuthenticator } from '../../../../../auth/strategies/basic/basic.ts'
import { parseConfig } from '../../../../../src/config/reading/load.ts'
import type { Generation } from '../../../../../src/gateway/generation.ts'
import { watchUsers } from '../../../../../src/gateway/reloading/users-files.ts'
import { until } from '../../../../support/until.ts'

const ANN = {
  ann: { password: '$scrypt$ln=10,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY' },
}

describe('users files', () => {
  it('are read once more when they begin to be watched', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'gatehouse-users-'))
    t.after(async () => await rm(folder, { recursive: true, force: true }))
    const file = join(folder, 'users.json')
    await writeFile(file, 'users: {}')
    const { config } = parseConfig(
      {
        listen: { port: 0 },
        brokers: {
          main: { urls: ['amqp://127.0.0.1'], credentials: { one: { username: 'one', password: { env: 'S' } } } },
        },
        authenticators: { staff: { type: 'basic', users: file } },
        services: [{ path: '/amqp', broker: 'main', vhost: '/', authenticate: ['staff'], promote: [{ to: 'one' }] }],
      },
      { env: { S: 'secret' } },
    )
    const attempts = new MemoryState().attempts('staff')
    // She was there when the generation was compiled.
    const staff = basicAuthenticator({
      name: 'staff',
      realm: 'Staff',
      users: ANN,
      attempts,
      loadUsers: async () => ({}),
    })
    const generation = { config, authenticators: new Map([['staff', staff]]) } as unknown as Generation
    const lost: string[] = []
    const stop = watchUsers(generation, { lost: (keys) => lost.push(...keys), failed: () => undefined })
    t.after(stop)
    await until(() => lost.length === 1, 'she has lost her proof')
    assert.equal(staff.users.size, 0)
  })
})
