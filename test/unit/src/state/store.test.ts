/** The store as everything asks it, with a client that does as a test says. */
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { StateUnavailable } from '../../../../auth/errors.ts'
import type { StoreClient } from '../../../../src/state/client.ts'
import { Store } from '../../../../src/state/store.ts'
import { until } from '../../../support/until.ts'

const TIMEOUT_MS = 200

class FakeClient implements StoreClient {
  status = 'ready'
  connects = 0
  disconnects = 0
  readonly calls: string[] = []
  /** Never settles where it is undefined. */
  answer: ((command: string) => unknown) | undefined = () => 'OK'

  async call(command: string): Promise<unknown> {
    this.calls.push(command)
    const { answer } = this
    return answer === undefined ? await new Promise(() => undefined) : await answer(command)
  }
  async connect(): Promise<void> {
    this.connects += 1
    this.status = 'ready'
  }
  disconnect(reconnect = false): void {
    this.disconnects += 1
    if (!reconnect) this.status = 'end'
  }
  readonly #listeners = new Map<string, (error: Error) => void>()
  on(event: string, listener: (error: Error) => void): unknown {
    this.#listeners.set(event, listener)
    return this
  }
  emit(event: 'close' | 'error', error = new Error(event)): void {
    this.#listeners.get(event)?.(error)
  }
}

async function started(t: TestContext): Promise<{ client: FakeClient; store: Store; said: string[] }> {
  const client = new FakeClient()
  const said: string[] = []
  const store = new Store({
    client,
    timeoutMs: TIMEOUT_MS,
    probeKey: 'probe',
    observer: {
      answered: () => undefined,
      away: (detail) => said.push(detail),
      back: () => said.push('back'),
    },
  })
  t.after(() => store.close())
  await store.start()
  assert.deepEqual([store.isUp, said], [true, ['back']])
  return { client, store, said }
}

describe('the store', () => {
  it('keeps one request no longer than one time-out, however often it asks', async (t) => {
    const { client, store } = await started(t)
    client.answer = undefined
    const startedMs = performance.now()
    await store.withinBudget(async () => {
      await assert.rejects(store.run('ticket', 'GET', 'x'), StateUnavailable)
      const asked = client.calls.length
      for (let turn = 0; turn < 5; turn += 1) await assert.rejects(store.run('ticket', 'GET', 'x'), StateUnavailable)
      assert.equal(client.calls.filter((command) => command === 'GET').length, 1, `${asked}`)
    })
    assert.ok(performance.now() - startedMs >= TIMEOUT_MS - 5)
  })

  it('lets later questions of a request have what earlier ones have left', async (t) => {
    const { client, store } = await started(t)
    client.answer = async () => await new Promise((resolve) => setTimeout(() => resolve('late'), TIMEOUT_MS * 0.7))
    await store.withinBudget(async () => {
      assert.equal(await store.run('ticket', 'GET', 'x'), 'late')
      await assert.rejects(store.run('ticket', 'GET', 'x'), /did not answer: no answer within \d+ ms/)
      await assert.rejects(store.run('ticket', 'GET', 'x'), StateUnavailable)
    })
    // One request had little time left; that says nothing of the store.
    assert.equal(store.isUp, true)
    assert.equal(await store.run('ticket', 'GET', 'x'), 'late')
  })

  it('is away for all once it has not answered one, until it takes a write again', async (t) => {
    const { client, store, said } = await started(t)
    client.answer = undefined
    await assert.rejects(store.run('lease', 'GET', 'x'), StateUnavailable)
    assert.equal(store.isUp, false)
    client.answer = (command) => {
      if (command === 'SET') throw new Error('READONLY You can not write against a read only replica.')
      return 'OK'
    }
    await until(() => store.why.startsWith('READONLY'), 'a probe')
    await assert.rejects(store.run('lease', 'GET', 'x'), /away: READONLY/)
    client.answer = () => 'OK'
    await until(() => store.isUp, 'the store')
    assert.equal(said.at(-1), 'back')
    assert.equal(said.filter((word) => word === 'back').length, 2)
  })

  it('says why it is away once more where the reason is found only afterwards, and each reason once', async (t) => {
    const { client, store, said } = await started(t)
    client.answer = () => {
      throw new Error('Connection is closed.')
    }
    client.emit('close')
    for (let turn = 0; turn < 3; turn += 1) {
      client.emit('error', new Error('WRONGPASS invalid username-password pair or user is disabled.'))
      client.emit('close')
    }
    assert.deepEqual(said.slice(1), [
      'there is no connection',
      'WRONGPASS invalid username-password pair or user is disabled.',
    ])
    client.answer = () => 'OK'
    await until(() => store.isUp, 'the store')
    client.emit('close')
    assert.deepEqual(said.slice(3), ['back', 'there is no connection'])
  })

  it('looks for it again where it is silent, and where the client has given up', async (t) => {
    const { client, store } = await started(t)
    client.answer = undefined
    await assert.rejects(store.run('lease', 'GET', 'x'), StateUnavailable)
    await until(() => client.disconnects > 0, 'another connection')
    client.status = 'end'
    const { connects } = client
    client.answer = () => {
      if (client.status === 'end') throw new Error('Connection is closed.')
      return 'OK'
    }
    await until(() => store.isUp, 'the store')
    assert.ok(client.connects > connects)
  })

  it('is left alone once it is closed, whatever is under way', async (t) => {
    const { client, store } = await started(t)
    client.answer = undefined
    const asked = assert.rejects(store.run('lease', 'GET', 'x'), StateUnavailable)
    store.close()
    await asked
    const { connects, calls } = client
    await new Promise((resolve) => setTimeout(resolve, 3 * TIMEOUT_MS))
    assert.deepEqual([client.connects, client.calls.length, client.status], [connects, calls.length, 'end'])
    await assert.rejects(store.run('lease', 'GET', 'x'), /the gateway stops/)
  })
})
