/** Where the demo listens, by which names its page answers, and what it says where it cannot. */
import assert from 'node:assert/strict'
import { request } from 'node:http'
import { after, describe, it } from 'node:test'
import { namesOf } from '../../../../src/demo/addresses.ts'
import { PageServer } from '../../../../src/demo/page-server.ts'
import { runCommand } from '../../../support/terminal.ts'

/** The status and text of the page's answer to a request that calls it by this name. */
async function askAs(name: string, port: number): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const asking = request({ host: '127.0.0.1', port, headers: { host: name } }, (answer) => {
      let text = ''
      answer.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
      })
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }))
    })
    asking.on('error', reject).end()
  })
}

describe('the names of the demo', () => {
  for (const [host, names] of [
    ['127.0.0.1', ['127.0.0.1', 'localhost']],
    ['0.0.0.0', ['127.0.0.1', 'localhost']],
    ['::', ['127.0.0.1', 'localhost']],
    ['192.0.2.7', ['192.0.2.7']],
    ['::1', ['[::1]']],
    ['demo.example.com', ['demo.example.com']],
  ] as const) {
    it(`${host}: ${names.join(', ')}`, () => assert.deepEqual(namesOf(host), names))
  }
})

describe('the page of the demo', () => {
  const pages: PageServer[] = []
  after(async () => {
    for (const page of pages) await page.close()
  })
  const start = async (host: string, port = 0) => {
    const page = await PageServer.start(host, port)
    pages.push(page)
    return page
  }

  for (const host of ['127.0.0.1', '0.0.0.0']) {
    it(`at ${host} answers to 127.0.0.1 and localhost, and tells others where it is`, async () => {
      const page = await start(host)

      assert.equal((await askAs(`127.0.0.1:${page.port}`, page.port)).status, 200)
      assert.equal((await askAs(`localhost:${page.port}`, page.port)).status, 200)
      for (const foreign of [`evil.example:${page.port}`, '127.0.0.1', `127.0.0.1:${page.port + 1}`, 'a b']) {
        const { status, text } = await askAs(foreign, page.port)
        assert.equal(status, 421)
        assert.equal(text, `This is the demo of Gatehouse. Open http://127.0.0.1:${page.port}/\n`)
      }
    })
  }

  it('says what to do where its port is taken', async () => {
    const { port } = await start('127.0.0.1')

    await assert.rejects(
      start('127.0.0.1', port),
      /^Error: the page cannot listen on 127\.0\.0\.1:\d+: .*EADDRINUSE.*; choose another one with --port$/,
    )
    const { code, stderr } = await runCommand(['demo', '--port', String(port)])
    assert.equal(code, 1)
    assert.match(stderr, /^gatehouse: the page cannot listen on [^\n]*; choose another one with --port\n$/)
  })

  it('says what to do where the address is not of this machine', async () => {
    await assert.rejects(start('192.0.2.7'), /EADDRNOTAVAIL.*; --host takes an address of this machine$/)
  })
})

describe('gatehouse demo', () => {
  it('finds out that the port of the gateway is taken before it starts a broker', async () => {
    const page = await PageServer.start('127.0.0.1', 0)
    const { code, stdout, stderr } = await runCommand(['demo', '--port', '0', '--gateway-port', String(page.port)])
    await page.close()

    assert.deepEqual([code, stdout], [1, ''])
    assert.match(stderr, /^gatehouse: the gateway cannot listen on [^\n]*; choose another one with --gateway-port\n$/)
  })

  for (const [args, expected] of [
    [['--port', '70000'], 'demo: expected a port from 0 to 65535 after --port'],
    [['--gateway-port', 'x'], 'demo: expected a port from 0 to 65535 after --gateway-port'],
    [['--gateway-port', '8080'], 'demo: page, gateway and console need a port each'],
    [['--port', '9000', '--gateway-port', '9000'], 'demo: page, gateway and console need a port each'],
    [['--gateway-port', '9000', '--admin-port', '9000'], 'demo: page, gateway and console need a port each'],
    [['--host', ''], 'demo needs --host ADDRESS'],
    [['--gateway', '1'], 'demo has no option --gateway'],
  ] as const) {
    it(`${args.join(' ')}: ${expected}`, async () => {
      const { code, stderr } = await runCommand(['demo', ...args])
      assert.equal(code, 64)
      assert.match(stderr, new RegExp(`^gatehouse: ${expected}[^\n]*\nTry: gatehouse help demo\n$`))
    })
  }
})
