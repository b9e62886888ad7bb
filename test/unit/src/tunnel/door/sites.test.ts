import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Sites } from '../../../../../src/tunnel/door/sites.ts'

describe('the sites of a door', () => {
  const sites = new Sites([
    { serverName: 'gate.example.com', to: ['a'] },
    { serverName: '*.example.com', to: ['b'] },
    { serverName: '*.local', to: ['c'] },
  ])
  const found = (serverName: string | undefined) => sites.of(serverName)?.name

  it('are found in full before by `*`, which stands for one label', () => {
    assert.equal(found('gate.example.com'), 'gate.example.com')
    assert.equal(found('gate.example.com.'), 'gate.example.com')
    assert.equal(found('other.example.com'), '*.example.com')
    assert.equal(found('x.local'), '*.local')
    for (const name of ['example.com', 'a.b.example.com', '.example.com', 'local', '.local', '', '*', '.', undefined])
      assert.equal(found(name), undefined, name)
  })

  it('are one for all where none is written', () => {
    assert.equal(new Sites(undefined).of(undefined)?.name, '*')
  })
})
