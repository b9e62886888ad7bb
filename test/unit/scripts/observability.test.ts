/** Rules and dashboard ask only for what gateways measure, and a change of the metric table cannot pass them by. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, describe, it } from 'node:test'
import { ALERTS } from '../../../scripts/observability/alerts/alerts.ts'
import { dashboardText } from '../../../scripts/observability/dashboard.ts'
import { assertKnown } from '../../../scripts/observability/expressions.ts'
import { doorMetrics, gatewayMetrics, type KnownMetric } from '../../../scripts/observability/metric-table.ts'
import { RECORDED, rulesTestText, rulesText } from '../../../scripts/observability/rules.ts'

const root = join(import.meta.dirname, '../../..')

describe('what is asked of Prometheus', () => {
  let metrics: readonly KnownMetric[]
  const without = (name: string) => metrics.filter((one) => one.name !== name)
  before(async () => {
    metrics = [...(await gatewayMetrics()), ...(await doorMetrics())]
  })

  for (const { expr, problem } of [
    { expr: 'rate(gatehouse_sesions_total[5m])', problem: /there is no metric gatehouse_sesions_total/ },
    { expr: 'gatehouse_sessions_bucket', problem: /there is no metric gatehouse_sessions_bucket/ },
    { expr: 'gatehouse_handshake_seconds', problem: /^$/ },
    { expr: 'rate(gatehouse_handshake_seconds_bucket[5m])', problem: /^$/ },
    { expr: 'gatehouse_sessions{path="/amqp"}', problem: /gatehouse_sessions has no label path/ },
    { expr: 'gatehouse_refusals_total{cause=~"overloaded|late"}', problem: /is never "late"/ },
    { expr: 'gatehouse_refusals_total{cause="overloaded", job="x"}', problem: /^$/ },
    { expr: 'gatehouse_sessions{service}', problem: /expected a matcher/ },
    { expr: 'sum by (cause) (gatehouse_sessions)', problem: /no metric here has the label cause/ },
    { expr: 'sum by (job, service) (gatehouse_sessions)', problem: /^$/ },
    { expr: 'service:gatehouse_sessions:max > 1', problem: /service:gatehouse_sessions:max is not recorded/ },
    { expr: 'service:gatehouse_sessions:sum > 1', problem: /^$/ },
  ]) {
    it(`${expr} is ${problem.source === '^$' ? 'accepted' : 'refused'}`, () => {
      const judge = () => assertKnown(expr, metrics, RECORDED)
      if (problem.source === '^$') judge()
      else assert.throws(judge, problem)
    })
  }

  it('cannot be a metric that was removed', () => {
    assert.throws(() => rulesText(without('gatehouse_state_up')), /no metric gatehouse_state_up/)
    assert.throws(() => rulesTestText(without('gatehouse_handshake_seconds')), /gatehouse_handshake_seconds_bucket/)
    assert.throws(() => dashboardText(without('gatehouse_bytes_total')), /no metric gatehouse_bytes_total/)
  })

  it('is everything that is measured', () => {
    const added: KnownMetric = { name: 'gatehouse_new', type: 'gauge', help: '', labels: [], values: new Map() }
    assert.throws(() => dashboardText([...metrics, added]), /no chart of gatehouse_new/)
  })
})

describe('the dashboard', () => {
  it('has charts that do not overlap, each with an id and a description', async () => {
    const text = readFileSync(join(root, 'deploy/observability/gatehouse.dashboard.json'), 'utf8')
    const { panels } = JSON.parse(text) as {
      panels: { id: number; type: string; description?: string; gridPos: Record<'x' | 'y' | 'w' | 'h', number> }[]
    }
    const taken = new Set<string>()
    for (const { type, description, gridPos } of panels) {
      if (type !== 'row') assert.match(description ?? '', /^gatehouse_\w+: ./)
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          assert.equal(taken.has(`${x} ${y}`), false)
          taken.add(`${x} ${y}`)
        }
      }
    }
    assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length)
  })
})

describe('alerts', () => {
  it('have names of their own', () => {
    assert.equal(new Set(ALERTS.map(({ name }) => name)).size, ALERTS.length)
  })

  it('lead to pages that exist', () => {
    for (const { name, page } of ALERTS) {
      const [path = '', heading] = page.split('#')
      assert.ok(existsSync(join(root, path)), `${name}: ${path}`)
      const headings = [...readFileSync(join(root, path), 'utf8').matchAll(/^#+ (.+)$/gm)].map(([, text = '']) =>
        text.toLowerCase().replaceAll(' ', '-'),
      )
      if (heading !== undefined) assert.ok(headings.includes(heading), `${name}: ${page}`)
    }
  })

  it('say what to do in whole sentences', () => {
    for (const { name, seen, toDo } of ALERTS) {
      assert.match(seen, /^[A-Z`].*\.$/, name)
      assert.match(toDo, /^[A-Z`].*\.$/, name)
    }
  })
})
