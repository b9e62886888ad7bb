import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { find, type Table } from '../../../../../proxy/codec/table.ts'
import { clientProperties, connectionName, essentials } from '../../../../../proxy/session/opening/client-properties.ts'

const WHO = { subject: 'joe.smith', issuer: 'staff', address: '203.0.113.7', session: 's', brokerUser: 'smithj' }
const START = 'joe.smith 203.0.113.7 → smithj'

const named = (name: string): Table => [{ key: 'connection_name', type: 'S', value: Buffer.from(name) }]

function nameIn(table: Table): string | undefined {
  const entry = find(table, 'connection_name')
  return entry?.type === 'S' ? entry.value.toString() : undefined
}

function gatehouseTable(client: Table): Table {
  const entry = find(clientProperties(client, WHO), 'gatehouse')
  return entry?.type === 'F' ? entry.value : []
}

describe('the client’s own connection name', () => {
  it('stands at the end of the connection’s name, in quotes, and in the gatehouse table', () => {
    assert.equal(nameIn(clientProperties(named('orders-ui'), WHO)), `${START} "orders-ui"`)
    assert.equal(nameIn(gatehouseTable(named('orders-ui'))), 'orders-ui')
  })

  it('leaves no trace where there is none', () => {
    for (const client of [[], named(''), [{ key: 'connection_name', type: 'I', value: 7 }] as const]) {
      assert.equal(nameIn(clientProperties(client, WHO)), START)
    }
    assert.equal(find(gatehouseTable([]), 'connection_name'), undefined)
  })

  const cleaned: [string, string][] = [
    ['ada 10.0.0.1 → admin', 'ada 10.0.0.1  admin'],
    ['127.0.0.1:1 -> 127.0.0.1:2', '127.0.0.1:1  127.0.0.1:2'],
    ['a -->> b ⇒ c ⟶ d ⭢ e', 'a  b  c  d  e'],
    ['x" → root "y', "x'  root 'y"],
    ['line\r\nbreak\0\u001b[31m', 'linebreak[31m'],
    ['right\u202eto\u2066left\u2028', 'righttoleft'],
    ['\t ', ''],
    ['ß'.repeat(40), 'ß'.repeat(32)],
    ['x'.repeat(65), 'x'.repeat(64)],
  ]
  for (const [name, own] of cleaned) {
    it(`${JSON.stringify(name)} becomes ${JSON.stringify(own)}`, () => {
      assert.equal(connectionName({ ...WHO, clientName: name }), own === '' ? START : `${START} "${own}"`)
    })
  }

  it('A16 can never be taken for the gateway’s words', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (name) => {
        const whole = nameIn(clientProperties(named(name), WHO)) ?? ''
        const own = whole.slice(START.length)
        assert.ok(whole.startsWith(START))
        assert.match(own, /^(?: "[^"→\p{Cc}]+")?$/u)
        assert.ok(Buffer.byteLength(own) <= 64 + ' ""'.length)
      }),
    )
  })

  it('is kept, short, where the other properties are too large for the broker', () => {
    const client = [...named('n'.repeat(300)), { key: 'product', type: 'S', value: Buffer.alloc(4000) } as const]
    assert.equal(nameIn(essentials(client)), 'n'.repeat(64))
  })
})
