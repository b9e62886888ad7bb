/** Each request has one budget, and what it leaves behind has none. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Budgets } from '../../../../src/state/budgets.ts'

const turn = async (): Promise<void> => await new Promise((resolve) => setImmediate(resolve))

describe('budgets', () => {
  it('are one for each request, through all it waits for, and none outside', async () => {
    const budgets = new Budgets(100)
    assert.equal(budgets.current, undefined)
    const request = async (spentMs: number): Promise<number | undefined> =>
      await budgets.run(async () => {
        await turn()
        if (budgets.current !== undefined) budgets.current.leftMs -= spentMs
        await turn()
        return budgets.current?.leftMs
      })
    assert.deepEqual(await Promise.all([request(10), request(20), request(30)]), [90, 80, 70])
    assert.equal(budgets.current, undefined)
    assert.equal(await request(40), 60)
  })

  it('are over with the request: its session asks for hours, and each time with all of the time-out', async () => {
    const budgets = new Budgets(100)
    let goOn = (): void => undefined
    const later = new Promise<void>((resolve) => {
      goOn = resolve
    })
    const seen: (number | undefined)[] = []
    const left = { work: Promise.resolve() }
    await budgets.run(async () => {
      left.work = later.then(() => void seen.push(budgets.current?.leftMs))
      seen.push(budgets.current?.leftMs)
      await turn()
    })
    // Another request is under way, so that the context is switched on.
    await budgets.run(async () => {
      goOn()
      await left.work
      seen.push(budgets.current?.leftMs)
    })
    assert.deepEqual(seen, [100, undefined, 100])
  })

  it('are given back where a request fails', async () => {
    const budgets = new Budgets(100)
    await assert.rejects(
      budgets.run(async () => {
        await turn()
        throw new Error('no')
      }),
      /no/,
    )
    assert.equal(budgets.current, undefined)
  })
})
