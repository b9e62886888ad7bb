/** Reloads that nobody waits for: they coalesce, wait for those of others, and are never lost. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ReloadRefused } from '../../../../../src/gateway/reloading/report.ts'
import { ReloadRequests } from '../../../../../src/gateway/reloading/requests.ts'
import { until } from '../../../../support/until.ts'

/** A reload that ends when the test says how. */
class Scripted {
  readonly runs: { done(): void; refuse(code: ReloadRefused['code']): void }[] = []
  readonly requests = new ReloadRequests(
    () =>
      new Promise((resolve, reject) => {
        this.runs.push({
          done: () => resolve(undefined),
          refuse: (code) => reject(new ReloadRefused(code, ['no'])),
        })
      }),
  )
  /** The one that is under way, or will be. */
  async run(index: number) {
    return await until(() => this.runs[index], `reload ${index}`)
  }
}

describe('ReloadRequests', () => {
  it('answer all who asked during one reload with one more', async () => {
    const { requests, runs } = new Scripted()
    requests.ask()
    for (let count = 0; count < 5; count += 1) requests.ask()
    assert.equal(runs.length, 1)
    runs[0]?.done()
    await until(() => runs.length === 2, 'the second reload')
    runs[1]?.done()
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(runs.length, 2)

    requests.ask()
    assert.equal(runs.length, 3)
    runs[2]?.done()
  })

  it('do not ask again where the configuration was refused', async () => {
    const { requests, runs } = new Scripted()
    requests.ask()
    runs[0]?.refuse('invalid')
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(runs.length, 1)
    requests.ask()
    assert.equal(runs.length, 2)
    runs[1]?.done()
  })

  it('ask again where another reload was under way, which may have read what was there before', async () => {
    const scripted = new Scripted()
    scripted.requests.ask()
    ;(await scripted.run(0)).refuse('busy')
    ;(await scripted.run(1)).refuse('busy')
    ;(await scripted.run(2)).done()
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(scripted.runs.length, 3)
  })
})
