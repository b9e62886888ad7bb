/** What the console's page computes without a browser. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { EventParser } from '../../../../../../src/admin/console/page/api/event-stream.ts'
import type * as shapes from '../../../../../../src/admin/console/page/api/shapes.ts'
import { conditionsText } from '../../../../../../src/admin/console/page/parts/conditions.ts'
import * as format from '../../../../../../src/admin/console/page/parts/format.ts'
import { linkTo, parseRoute } from '../../../../../../src/admin/console/page/state/address.ts'
import { conditionsIn, matchOf, queryOf } from '../../../../../../src/admin/console/page/state/filters.ts'
import { History } from '../../../../../../src/admin/console/page/state/history.ts'
import { SessionPages } from '../../../../../../src/admin/console/page/state/session-pages.ts'
import type { ShownSample } from '../../../../../../src/admin/live/history.ts'
import type { ShownRefusal } from '../../../../../../src/admin/live/recent-refusals.ts'
import type { ShownRules } from '../../../../../../src/admin/live/rules.ts'
import type { ShownOverview } from '../../../../../../src/admin/routes/overview.ts'
import type { ShownDetail } from '../../../../../../src/admin/routes/shown-session.ts'
import type { Blocked, Kicked, SessionPage } from '../../../../../../src/admin/shapes.ts'
import type { ReloadReport } from '../../../../../../src/gateway/reloading/report.ts'

/** Compiles only while the API answers what the page expects. */
const ANSWERS = {
  overview: (answer: ShownOverview): shapes.Overview => answer,
  sample: (answer: ShownSample): shapes.Sample => answer,
  page: (answer: SessionPage): shapes.SessionPage => answer,
  session: (answer: ShownDetail): shapes.SessionDetail => answer,
  refusal: (answer: ShownRefusal): shapes.Refusal => answer,
  rules: (answer: ShownRules): shapes.RulesOfService => answer,
  kicked: (answer: Kicked): shapes.Kicked => answer,
  blocked: (answer: Blocked): shapes.Blocked => answer,
  report: (answer: ReloadReport): shapes.ReloadReport => answer,
}

describe('the console’s page', () => {
  it('knows the shapes of the API', () => {
    assert.equal(Object.keys(ANSWERS).length, 9)
  })

  it('writes numbers and times for people', () => {
    assert.deepEqual([0, 999, 1000, 12_345, 5e9].map(format.bytes), ['0 B', '999 B', '1 kB', '12.3 kB', '5 GB'])
    assert.deepEqual([0, 999, 61_000, 3_600_000, 93_784_000].map(format.duration), [
      '0 s',
      '1 s',
      '1 min 1 s',
      '1 h',
      '1 d 2 h',
    ])
    assert.deepEqual([format.counted(1, 'session'), format.counted(2000, 'session')], ['1 session', '2,000 sessions'])
    const at = new Date(2026, 10, 29, 8, 5, 9)
    assert.equal(format.moment(at.getTime()), '2026-11-29 08:05:09')
    assert.equal(format.recently(at.getTime(), at.getTime()), '08:05:09')
    assert.equal(format.recently(at.getTime(), at.getTime() + 86_400_000), '2026-11-29 08:05:09')
  })

  it('writes the conditions of a rule in one line', () => {
    assert.equal(conditionsText({}), 'everyone')
    assert.equal(
      conditionsText({ role: ['trader', 'dealer'], claim: { a: 1 } }),
      'role: trader or dealer, claim: {"a":1}',
    )
  })

  it('finds its way by addresses, whatever is in an id', () => {
    const link = linkTo('sessions', 'a/b?c#d', new URLSearchParams({ subject: 'x&y=z' }))
    const { page, id, query } = parseRoute(link)

    assert.deepEqual([page, id, query.get('subject')], ['sessions', 'a/b?c#d', 'x&y=z'])
    assert.equal(parseRoute('').page, 'now')
    assert.equal(parseRoute('#/sessions/%E0%A4%A').id, '%E0%A4%A')
  })

  it('makes a match of the conditions in an address, and of nothing else there', () => {
    const conditions = conditionsIn(new URLSearchParams('subject=a&sort=user&subject=b&vhost=/&colour=red'))

    assert.deepEqual(matchOf(conditions), { subject: ['a', 'b'], vhost: ['/'] })
    assert.equal(queryOf(conditions).toString(), 'subject=a&subject=b&vhost=%2F')
  })

  it('keeps an hour of samples, and gaps where nothing was known', () => {
    const history = new History()
    history.add(0, { a: 1 })
    history.add(5_000, { b: 2 })
    assert.deepEqual(
      [history.column('a'), history.column('b'), history.column('c')],
      [
        [1, null],
        [null, 2],
        [null, null],
      ],
    )
    for (let count = 0; count < 1000; count++) history.add(count, { b: count })
    assert.equal(history.times.length, history.column('b').length)
    assert.equal(history.times.length, 720)
    assert.equal(history.column('a').at(0), null)
  })

  it('reads events that arrive in pieces, and no comments', () => {
    const parser = new EventParser()
    const text =
      'retry: 1000\n\n: alive\n\nevent: admin.kick\ndata: {"count":1}\n\nevent: bad\ndata: {\n\nevent: x\ndata: {}\n\n'
    const found = [...text].flatMap((character) => parser.push(character))

    assert.deepEqual(found, [
      { event: 'admin.kick', data: { count: 1 } },
      { event: 'x', data: {} },
    ])
  })
})

describe('SessionPages', () => {
  const session = (row: number) => ({ id: String(row) }) as shapes.Session

  function rig(total: number) {
    const asked: number[] = []
    const pages = new SessionPages(
      async (page) => {
        asked.push(page)
        const items = Array.from({ length: 100 }, (_, index) => session((page - 1) * 100 + index))
        return { total, page, pageSize: 100, items, notReached: [] }
      },
      () => undefined,
    )
    return { pages, asked }
  }

  it('fetches the pages that are looked at, once', async () => {
    const { pages, asked } = rig(10_000)
    pages.want(180, 220)
    pages.want(180, 220)
    await pages.refresh()

    assert.deepEqual(
      [asked.slice(0, 2), pages.total, pages.at(199)?.id, pages.at(0)],
      [[2, 3], 10_000, '199', undefined],
    )
  })

  it('forgets what nobody looks at any more', async () => {
    const { pages } = rig(10_000)
    for (let page = 0; page < 60; page++) {
      pages.want(page * 100, page * 100)
      await pages.refresh()
    }

    assert.equal(pages.at(0), undefined)
    assert.equal(pages.at(5_900)?.id, '5900')
  })

  it('says why what is shown may be old, and goes on', async () => {
    let fails = true
    const pages = new SessionPages(
      async (page) => {
        if (fails) throw new Error('away')
        return { total: 1, page, pageSize: 100, items: [session(0)], notReached: [] }
      },
      () => undefined,
    )
    await pages.refresh()
    assert.match(String(pages.error), /away/)
    fails = false
    await pages.refresh()
    assert.deepEqual([pages.error, pages.at(0)?.id], [undefined, '0'])
  })
})
