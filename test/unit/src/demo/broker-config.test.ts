import assert from 'node:assert/strict'
import { totalmem } from 'node:os'
import { describe, it } from 'node:test'
import { brokerConfig, enabledPlugins, withFilesAt } from '../../../../src/demo/broker-config.ts'

const PORTS = { amqp: 15_001, tls: 15_002, management: 15_003 }
const ADMIN = { username: 'admin', password: 'secret' }

describe('brokerConfig', () => {
  it('listens on loopback only', () => {
    const lines = brokerConfig({}, PORTS, ADMIN).split('\n')

    assert.ok(lines.includes('listeners.tcp.local = 127.0.0.1:15001'))
    assert.ok(lines.includes('management.tcp.ip = 127.0.0.1'))
    assert.ok(!lines.some((line) => line.includes('ssl')))
  })

  it('says how much memory there is where the broker cannot look, and not elsewhere', () => {
    const memory = (root?: string) =>
      brokerConfig(root === undefined ? {} : { root }, PORTS, ADMIN)
        .split('\n')
        .filter((line) => line.startsWith('total_memory'))

    assert.deepEqual(memory('/root-folder'), [`total_memory_available_override_value = ${totalmem()}`])
    assert.deepEqual(memory(), [])
  })

  it('asks TLS clients for a certificate as the options say', () => {
    const files = { ca: '/ca', cert: '/cert', key: '/key' }
    const asked = (clients: 'none' | 'optional' | 'required') =>
      brokerConfig({ tls: { ...files, clients } }, PORTS, ADMIN)
        .split('\n')
        .filter((line) => /verify|fail_if/.test(line))

    const answers = [asked('none'), asked('optional'), asked('required')]

    assert.deepEqual(answers, [
      ['ssl_options.verify = verify_none', 'ssl_options.fail_if_no_peer_cert = false'],
      ['ssl_options.verify = verify_peer', 'ssl_options.fail_if_no_peer_cert = false'],
      ['ssl_options.verify = verify_peer', 'ssl_options.fail_if_no_peer_cert = true'],
    ])
  })

  it('puts extra lines last, so that they win', () => {
    const options = { proxyProtocol: true, memoryWatermark: 0.1, config: ['heartbeat = 7'] }

    const lines = brokerConfig(options, PORTS, ADMIN).trimEnd().split('\n')

    assert.deepEqual(lines.slice(-3), [
      'proxy_protocol = true',
      'vm_memory_high_watermark.relative = 0.1',
      'heartbeat = 7',
    ])
  })
})

describe('enabledPlugins', () => {
  it('always has the management plugin', () => {
    assert.equal(
      enabledPlugins({ plugins: ['rabbitmq_auth_backend_oauth2'] }),
      '[rabbitmq_management,rabbitmq_auth_backend_oauth2].\n',
    )
  })
})

describe('withFilesAt', () => {
  it('names the folder of the files wherever options speak of it', () => {
    const options = { config: ['auth_oauth2.signing_keys.k = FILES/key.pem'], advancedConfig: '[{a, "FILES/b"}].' }

    assert.deepEqual(withFilesAt(options, '/node'), {
      config: ['auth_oauth2.signing_keys.k = /node/key.pem'],
      advancedConfig: '[{a, "/node/b"}].',
    })
    assert.deepEqual(withFilesAt({}, '/node'), {})
  })
})
