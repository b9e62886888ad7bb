/** Sockets of the process that started this one: when they are meant for it, and what cannot be one. A real one is in test/integration. */
import assert from 'node:assert/strict'
import { closeSync, openSync } from 'node:fs'
import { describe, it } from 'node:test'
import { ConfigError } from '../../../../../src/config/reading/problems.ts'
import { InheritedSockets, inheritedSockets } from '../../../../../src/gateway/listening/inherited-sockets.ts'

describe('inheritedSockets', () => {
  it('are those that the environment gives to this very process', () => {
    assert.deepEqual(inheritedSockets({}, 7), [])
    assert.deepEqual(inheritedSockets({ LISTEN_FDS: '2', LISTEN_PID: '8' }, 7), [])
    assert.deepEqual(inheritedSockets({ LISTEN_FDS: '0', LISTEN_PID: '7' }, 7), [])
    assert.deepEqual(inheritedSockets({ LISTEN_FDS: '2', LISTEN_PID: '7', LISTEN_FDNAMES: 'tls:' }, 7), [
      { fd: 3, name: 'tls' },
      { fd: 4, name: 'socket 2' },
    ])
  })

  it('are counted by a small number', () => {
    for (const count of [undefined, '', 'two', '-1', '1.5', '65', '1e1']) {
      assert.throws(
        () => inheritedSockets({ LISTEN_FDS: count, LISTEN_PID: '7' }, 7),
        (error) => error instanceof ConfigError && /LISTEN_FDS, at most 64/.test(error.message),
      )
    }
  })
})

describe('InheritedSockets', () => {
  it('are sockets, else the start says so', () => {
    const file = openSync('/dev/null', 'r')
    for (const fd of [file, 9_999]) {
      assert.throws(() => new InheritedSockets([{ fd, name: 'x' }]), /"x" \(descriptor \d+\) is no TCP socket/)
    }
    closeSync(file)
  })
})
