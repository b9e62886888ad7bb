/** Brokers out of the configuration: the certificate files that are read with them. */
import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { makeBrokers } from '../../../../src/brokers/broker.ts'
import { BrokerNodes, type NodesSettings } from '../../../../src/brokers/broker-nodes.ts'
import { HoldOffs } from '../../../../src/brokers/hold-offs.ts'
import { parseConfig } from '../../../../src/config/reading/load.ts'
import { minimalConfig } from '../../../support/config-files.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-broker-'))
  mkdirSync(join(folder, 'tls'))
  for (const name of ['ca', 'cert', 'key']) writeFileSync(join(folder, 'tls', name), name)
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const lasting = {
  holdOffs: () => new HoldOffs(),
  nodes: (_: string, settings: NodesSettings) =>
    new BrokerNodes(settings, { observe: () => undefined, probe: async () => undefined }),
}

/** The TLS files of the one broker, after the configuration's check, which is not asked here. */
function read(names: readonly string[]): unknown {
  const { config } = parseConfig(minimalConfig())
  const [[name = '', broker] = []] = Object.entries(config.brokers)
  assert.ok(broker)
  const tls = Object.fromEntries(names.map((one) => [one, join(folder, 'tls', one)]))
  const brokers = makeBrokers(
    { ...config, brokers: { [name]: { ...broker, tls } } },
    { readFile: async () => Buffer.alloc(0), env: () => undefined, keys: undefined, load: async () => ({}) },
    lasting,
  )
  return brokers.get(name)?.target.tls
}

describe('the TLS files of a broker', () => {
  it('are read where only their owner may write', () => {
    assert.deepEqual(read(['ca', 'key']), { ca: Buffer.from('ca'), key: Buffer.from('key') })
  })

  it('E5 are refused where everybody may exchange one of them, also after the check', () => {
    for (const open of ['tls', '.']) {
      chmodSync(join(folder, open), 0o777)
      for (const name of ['ca', 'cert', 'key'])
        assert.throws(() => read([name]), /everybody may write to the folder .*gatehouse-broker-/)
      chmodSync(join(folder, open), 0o755)
    }
    assert.ok(read(['ca', 'cert', 'key']))
  })
})
