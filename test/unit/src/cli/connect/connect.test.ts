import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { createCertificates } from '../../../../support/certificates.ts'
import { runCommand } from '../../../../support/terminal.ts'

const URL = 'wss://gate.example.com/amqp'

/** What a command line without a way to run it says. */
async function told(...args: string[]): Promise<string> {
  const { code, stderr } = await runCommand(['connect', ...args], { env: { GATEHOUSE_PASSWORD: 'word' } })
  assert.equal(code, 64, stderr)
  return stderr
}

describe('gatehouse connect: the command line', () => {
  it('G102 wants the URL of a gateway, without a login in it, and none that shows it to others', async () => {
    assert.match(await told(), /needs the URL of a gateway first, such as wss:/)
    assert.match(await told('https://gate.example.com', '--user', 'joe'), /needs the URL of a gateway/)
    assert.match(await told('wss://joe:word@gate.example.com/amqp'), /no login in the URL/)
    assert.match(await told('ws://gate.example.com/amqp', '--user', 'joe'), /does not travel over plain ws/)
    assert.match(await told(URL, 'more'), /takes no argument "more"/)
  })

  it('wants one way to log in', async () => {
    assert.match(await told(URL), /needs a way to log in: one of --user/)
    assert.match(await told(URL, '--user', 'joe', '--token-file', 'f'), /either --user or --token-file, not both/)
    assert.match(await told(URL, '--user', 'joe:word'), /expected --user NAME without a colon/)
    assert.match(
      await told(URL, '--login', 'https://login.example.com'),
      /--login ISSUER and --client-id ID go together/,
    )
    assert.match(await told(URL, '--user', 'joe', '--scope', 'x'), /--scope goes with --login/)
    assert.match(await told(URL, '--negotiate', '--user', 'joe'), /either --user or --negotiate, not both/)
    assert.match(await told(URL, '--cert', 'c.pem'), /--cert and --key go together/)
    assert.match(await told(URL, '--tokenfile', 'f'), /no option --tokenfile; did you mean --token-file/)
  })

  it('G101 listens on this machine only, unless it is told otherwise', async () => {
    assert.match(await told(URL, '--user', 'joe', '--listen', '0.0.0.0:5672'), /would be you at the gateway/)
    assert.match(await told(URL, '--user', 'joe', '--listen', '5672'), /expected --listen HOST:PORT/)
    assert.match(await told(URL, '--user', 'joe', '--listen', '127.0.0.1:70000'), /expected --listen HOST:PORT/)
    assert.match(await told(URL, '--user', 'joe', '--status', '192.0.2.1:80'), /expected --status on 127/)
    assert.match(await told(URL, '--user', 'joe', '--listen', '[::1]:1', '--unix', '/x'), /either --listen or --unix/)
    assert.match(await told(URL, '--user', 'joe', '--'), /expected a program after --/)
    assert.match(await told(URL, '--user', 'joe', '--unix', '/x', '--', 'true'), /--unix goes without --/)
  })

  it('ends with 77 where there is no login to begin with', async () => {
    const args = ['connect', URL, '--token-file', '/nowhere/token', '--listen', '127.0.0.1:0']
    const { code, stderr } = await runCommand(args)
    assert.equal(code, 77)
    assert.match(stderr, /ENOENT.*\/nowhere\/token/)
  })

  it('ends with 77 where the key is that of another certificate, or a file is no certificate', async () => {
    const { authority, remove } = await createCertificates()
    const started = async (...options: string[]) => {
      const { code, stderr } = await runCommand(['connect', URL, ...options, '--listen', '127.0.0.1:0'])
      assert.equal(code, 77, stderr)
      return stderr
    }
    try {
      const [ann, bob] = [await authority.issue({ commonName: 'ann' }), await authority.issue({ commonName: 'bob' })]
      const others = await started('--cert', ann.certFile, '--key', bob.keyFile)
      assert.match(others, /--cert .* --key .*: expected a certificate and the private key that belongs to it/)
      const own = ['--cert', ann.certFile, '--key', ann.keyFile]
      assert.match(await started(...own, '--ca', ann.keyFile), /--ca .*: expected certificates in PEM form/)
      const half = `${ann.certFile}.half`
      await writeFile(half, ann.cert.slice(0, ann.cert.length / 2))
      assert.match(await started(...own, '--ca', half), /--ca .*: expected certificates in PEM form/)
    } finally {
      await remove()
    }
  })

  it('says that the folder of its socket is not there', async () => {
    const args = ['connect', URL, '--user', 'joe', '--unix', '/nowhere/amqp.sock']
    const { stderr } = await runCommand(args, { env: { GATEHOUSE_PASSWORD: 'word' } })
    assert.match(stderr, /ENOENT.*\/nowhere/)
  })

  it('sends no login to an issuer over plain http', async () => {
    const args = ['connect', URL, '--login', 'http://login.example.com', '--client-id', 'terminal']
    const { code, stderr } = await runCommand(args)
    assert.equal(code, 77)
    assert.match(stderr, /http:\/\/login\.example\.com: expected https/)
  })

  it('leaves the options of the program to the program', async () => {
    const args = ['connect', 'ws://127.0.0.1:9/amqp', '--user', 'joe', '--', process.execPath, '-e', 'process.exit(9)']
    const { code, stderr, stdout } = await runCommand([...args, '--', '--help'], {
      env: { GATEHOUSE_PASSWORD: 'word' },
    })
    assert.equal(code, 9, stderr)
    assert.equal(stdout, '')
  })
})
