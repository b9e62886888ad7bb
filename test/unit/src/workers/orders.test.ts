import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Config } from '../../../../src/config/schema/schema.ts'
import type { Duties, PreparedElsewhere } from '../../../../src/gateway/crew/crew.ts'
import { order, SILENT_MS } from '../../../../src/workers/primary/order.ts'
import { attend } from '../../../../src/workers/worker/attend.ts'
import { workerLine } from '../../../support/worker-line.ts'

const CONFIG = {} as Config
const NEWS = { news: { kind: 'lift', id: 'b1' } as never, atMs: 0 }
const JUDGED: PreparedElsewhere['judged'] = { sessions: { kept: 1, changed: 0, ended: 0 }, examples: [] }

/** A worker that does these duties, as its primary has it. */
function workerWith(duties: Partial<Duties>) {
  const line = workerLine()
  attend(line.worker, duties as Duties, (config) => config)
  const kills: string[] = []
  const worker = {
    channel: line.primary,
    isServing: true,
    kill(why: string) {
      this.isServing = false
      kills.push(why)
    },
  }
  return { line, worker, kills }
}

const prepared = (apply: () => Promise<void>): PreparedElsewhere => ({
  judged: JUDGED,
  apply,
  abandon: () => undefined,
})

describe('what the primary has its workers do', () => {
  it('is done', async () => {
    const done: string[] = []
    const { worker, kills } = workerWith({
      prepare: async () => prepared(async () => void done.push('applied')),
      received: () => void done.push('received'),
    })
    assert.deepEqual(await worker.channel.ask('prepare', CONFIG, SILENT_MS), JUDGED)
    await order(worker, 'apply', null)
    await order(worker, 'news', NEWS)
    assert.deepEqual(done, ['applied', 'received'])
    assert.deepEqual(kills, [])
  })

  it('kills one that fails to follow a reload: it would go on with the old rules', async () => {
    const { worker, kills } = workerWith({
      prepare: async () => prepared(async () => await Promise.reject(new Error('no descriptor is left'))),
    })
    await worker.channel.ask('prepare', CONFIG, SILENT_MS)
    await order(worker, 'apply', null)
    assert.deepEqual(kills, ['killed, since it did not follow (apply): no descriptor is left'])
  })

  it('kills one that has nothing prepared to follow', async () => {
    const abandoned: string[] = []
    const { worker, kills } = workerWith({
      prepare: async () => ({ ...prepared(async () => undefined), abandon: () => void abandoned.push('abandoned') }),
    })
    await worker.channel.ask('prepare', CONFIG, SILENT_MS)
    worker.channel.tell('abandon', null)
    await order(worker, 'apply', null)
    assert.deepEqual(abandoned, ['abandoned'])
    assert.deepEqual(kills, ['killed, since it did not follow (apply): no configuration is prepared'])
  })

  it('kills one that fails at a kick or a block: whom it concerns would stay', async () => {
    const { worker, kills } = workerWith({
      received: () => {
        throw new Error('broken')
      },
    })
    await order(worker, 'news', NEWS)
    assert.deepEqual(kills, ['killed, since it did not follow (news): broken'])
  })

  it('kills one that says nothing for 30 s', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const { worker, kills } = workerWith({ prepare: async () => prepared(() => new Promise<void>(() => undefined)) })
    const asked = worker.channel.ask('prepare', CONFIG, SILENT_MS)
    await asked
    const ordered = order(worker, 'apply', null)
    t.mock.timers.tick(SILENT_MS - 1)
    assert.deepEqual(kills, [])
    t.mock.timers.tick(1)
    await ordered
    assert.deepEqual(kills, [`killed, since it did not follow (apply): no answer within ${SILENT_MS} ms`])
  })

  it('leaves one alone that has ended by itself, or does not serve yet', async () => {
    const { line, worker, kills } = workerWith({})
    worker.isServing = false
    line.cut()
    await order(worker, 'apply', null)
    await order(worker, 'news', NEWS)
    assert.deepEqual(kills, [])
  })
})
