/** deploy/observability/ on a real Prometheus: its rules, and every query of the dashboard, against a gateway that serves. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { connectAmqplib } from '../support/amqplib-over-websocket.ts'
import { type Certificates, createCertificates } from '../support/certificates.ts'
import { basic, type Door, startDoor } from '../support/door.ts'
import { type Prometheus, promtool, startPrometheus } from '../support/prometheus.ts'
import { until } from '../support/until.ts'

const FOLDER = fileURLToPath(new URL('../../deploy/observability', import.meta.url))
const RULES = join(FOLDER, 'gatehouse.rules.yaml')

describe('rules for Prometheus', () => {
  it('are well-formed', async () => {
    const { code, output } = await promtool(['check', 'rules', RULES])
    assert.equal(code, 0, output)
  })

  it('fire when they should, and only then', async () => {
    const { code, output } = await promtool(['test', 'rules', 'gatehouse.rules.test.yaml'], { cwd: FOLDER })
    assert.equal(code, 0, output)
  })
})

describe('a gateway that Prometheus scrapes', () => {
  let certificates: Certificates
  let door: Door
  let prometheus: Prometheus
  before(async () => {
    certificates = await createCertificates()
    const { certFile: cert, keyFile: key } = certificates.server
    door = await startDoor({ listen: [{ port: 0 }, { port: 0, tls: { cert, key } }] })
    prometheus = await startPrometheus(new URL(door.gateway.adminAddress?.url ?? '').host, RULES)
  })
  after(async () => {
    await prometheus.stop()
    await door.stop()
    await certificates.remove()
  })

  it('has metrics without a finding of promtool', async () => {
    const stdin = await (await fetch(`${door.gateway.adminAddress?.url}/metrics`)).text()
    const { code, output } = await promtool(['check', 'metrics'], { stdin })
    assert.equal(code, 0, output)
  })

  it('answers every query of the dashboard', async () => {
    const text = await readFile(join(FOLDER, 'gatehouse.dashboard.json'), 'utf8')
    const { panels } = JSON.parse(text) as { panels: { targets?: { expr: string }[] }[] }
    const expressions = panels.flatMap(({ targets }) => targets?.map(({ expr }) => expr) ?? [])
    const chosen = (expr: string) => expr.replaceAll(/\$(?:job|instance)/g, '.+').replaceAll('$__rate_interval', '1m')
    for (const expr of expressions) await prometheus.query(chosen(expr))
    const [first = ''] = expressions
    // A scrape that was late on a busy machine leaves nothing for a moment.
    await until(async () => (await prometheus.query(chosen(first))).length === 1, 'a scrape', 60_000)
  })

  it('says how many sockets it has, and when its certificate ends', async () => {
    const { connection } = await connectAmqplib(door.url(), { websocket: { headers: { authorization: basic() } } })
    await until(
      async () => Number((await prometheus.query('gatehouse_sockets'))[0]?.value[1]) >= 2,
      'two sockets of a session',
      60_000,
    )
    await connection.close()
    const ends = await until(
      async () => {
        const found = await prometheus.query('gatehouse_certificate_end_seconds - time()')
        return found.length > 0 && found
      },
      'the end of the certificate',
      60_000,
    )
    assert.deepEqual(
      ends.map(({ metric, value }) => [metric['place'], Math.ceil(Number(value[1]) / 86_400)]),
      [['listen[1].tls.cert', 10]],
    )
  })

  it('is ready until it drains, and an alert is on its way then', async () => {
    const ready = async () => (await prometheus.query('instance:gatehouse_ready:bool'))[0]?.value[1]
    await until(async () => (await ready()) === '1', 'ready', 60_000)
    const drained = door.gateway.drain({ over: '0s', quiet: '0s', lameDuck: '0s' })
    await until(async () => (await ready()) === '0', 'not ready', 60_000)
    const pending = async () =>
      (await prometheus.query('ALERTS{alertstate="pending"}')).map(({ metric }) => metric['alertname'])
    await until(async () => (await pending()).includes('GatehouseNoneReady'), 'a pending alert', 60_000)
    await drained
    door.gateway.undrain()
    await until(async () => (await ready()) === '1', 'ready again', 60_000)
  })
})
