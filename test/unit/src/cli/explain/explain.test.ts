/** `gatehouse explain`: what would become of somebody, rule by rule. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { configFiles } from '../../../../support/config-files.ts'
import { runCommand } from '../../../../support/terminal.ts'

const folder = configFiles()
const valid = (name: string) => join(folder, 'valid', name)

describe('explain', () => {
  const explain = (...args: string[]) =>
    runCommand(['explain', '-c', valid('mapped-and-consolidated.yaml'), ...args], {
      env: { PORT: '1', BEHIND_TLS: 'true' },
    })
  const lastLine = (stdout: string) => stdout.trimEnd().split('\n').at(-1)

  it('ends with who somebody is promoted to, mapped or consolidated', async () => {
    const mapped = await explain('--subject', 'joe.smith', '--role', 'trader', '--authenticator', 'staff')
    assert.equal(mapped.code, 0, mapped.stderr)
    assert.equal(lastLine(mapped.stdout), 'promoted: smithj')
    const consolidated = await explain('--service', '/amqp', '--subject', 'ann', '--role', 'trader')
    assert.equal(lastLine(consolidated.stdout), 'promoted: webuser')
  })

  it('says why each rule was passed over, and what the broker sees', async () => {
    const { stdout } = await explain('--subject', 'joe.smith', '--role', 'trader')
    assert.match(stdout, /^rule 1, to smithj: passed over: authenticator "sso" is not "staff"$/m)
    assert.match(stdout, /^rule 2, to webuser: wins: /m)
    assert.match(stdout, /^rule 3, to \$\{subject\}: not reached: /m)
    assert.match(stdout, /^the broker sees: user webuser, by PLAIN or AMQPLAIN, vhost \/$/m)
    assert.match(stdout, /^its connection list: joe\.smith 127\.0\.0\.1 → webuser$/m)
    assert.match(stdout, /^where the client has a name of its own: joe\.smith 127\.0\.0\.1 → webuser "orders-ui"$/m)
    assert.match(stdout, /^as a word in patterns: joe%2Esmith$/m)
  })

  it('ends with the reason of a refusal, and exits with 0 all the same', async () => {
    const roleless = await explain('--subject', 'ann')
    assert.deepEqual([roleless.code, lastLine(roleless.stdout)], [0, 'refused: lacks the role trader'])
    const near = await explain('--subject', 'ann', '--role', 'tarder')
    assert.equal(lastLine(near.stdout), 'refused: lacks the role trader (has tarder)')
  })

  it('ends with "no promotion rule" where none matches', async () => {
    const file = valid('one-rule.yaml')
    writeFileSync(
      file,
      readFileSync(valid('minimal.yaml'), 'utf8').replace(
        '{ to: webuser }',
        '{ when: { claim: { level: 3, dept: ops } }, to: webuser }',
      ),
      { mode: 0o600 },
    )
    const none = await runCommand([
      'explain',
      '-c',
      file,
      '--subject',
      'ann',
      '--claim',
      'level="3"',
      '--claim',
      'dept=ops',
    ])
    assert.deepEqual([none.code, lastLine(none.stdout)], [0, 'refused: no promotion rule'])
    const found = await runCommand([
      'explain',
      '-c',
      file,
      '--subject',
      'ann',
      '--claim',
      'level=3',
      '--claim',
      'dept=ops',
    ])
    assert.equal(lastLine(found.stdout), 'promoted: webuser')
  })

  it('ends with the text of a rule that refuses', async () => {
    const file = valid('refusing.yaml')
    const rules = '{ when: { subject: ann }, refuse: "ask the desk" }, { to: webuser }'
    writeFileSync(file, readFileSync(valid('minimal.yaml'), 'utf8').replace('{ to: webuser }', rules), { mode: 0o600 })
    const ann = await runCommand(['explain', '-c', file, '--subject', 'ann'])
    assert.equal(ann.code, 0, ann.stderr)
    assert.match(ann.stdout, /^rule 1, refuse "ask the desk": wins: everything it asks for is there$/m)
    assert.match(ann.stdout, /^rule 2, to webuser: not reached: rule 1 won before$/m)
    assert.equal(lastLine(ann.stdout), 'refused: ask the desk')
    const bob = await runCommand(['explain', '-c', file, '--subject', 'bob'])
    assert.equal(lastLine(bob.stdout), 'promoted: webuser')
  })

  it('ends with what does not fit into a template', async () => {
    const file = valid('template.yaml')
    const to = '{ to: { username: "${subject}", password: { file: "secrets/${subject}" } } }'
    writeFileSync(file, readFileSync(valid('minimal.yaml'), 'utf8').replace('{ to: webuser }', to), { mode: 0o600 })
    const bad = await runCommand(['explain', '-c', file, '--subject', '../x'])
    assert.equal(bad.code, 0)
    assert.match(lastLine(bad.stdout) ?? '', /^refused: promotion rule 1 .*\$\{subject\} is a text of 4 bytes/)
    const good = await runCommand(['explain', '-c', file, '--subject', 'ann'])
    assert.equal(lastLine(good.stdout), 'promoted: ann')
  })

  it('knows addresses that may not come in', async () => {
    const file = valid('addresses.yaml')
    const text = `${readFileSync(valid('minimal.yaml'), 'utf8')}    require: { addresses: { allow: 10.0.0.0/8, deny: 10.9.0.0/16 } }\n`
    writeFileSync(file, text, { mode: 0o600 })
    const from = async (address: string) =>
      lastLine((await runCommand(['explain', '-c', file, '--subject', 'ann', '--address', address])).stdout)
    assert.equal(await from('10.1.1.1'), 'promoted: webuser')
    assert.equal(await from('10.9.1.1'), 'refused: clients may not come from 10.9.1.1')
    assert.equal(await from('192.0.2.1'), 'refused: clients may not come from 192.0.2.1')
  })

  it('answers what the permissions let somebody do, and by which rule', async () => {
    const questions = [
      'bind quotes.#',
      'bind #',
      'consume ui.joe%2Esmith.1',
      'declare queue ""',
      'publish orders.x on orders',
    ]
    const asked = questions.flatMap((question) => ['--may', question])
    const { stdout } = await explain('--subject', 'joe.smith', '--role', 'trader', ...asked)
    assert.deepEqual(
      stdout.split('\n').filter((line) => line.startsWith('may ')),
      [
        'may bind quotes.#: allowed: read on exchange "quotes" for "quotes.#" by permissions[0].read[1]',
        'may bind #: refused: no rule grants read on any exchange for "#"',
        'may consume ui.joe%2Esmith.1: allowed: read on queue "ui.joe%2Esmith.1" by permissions[0].read[0]',
        'may declare queue "": allowed: configure on server-named queues by permissions[0].configure[1]',
        'may publish orders.x on orders: refused: no rule grants write on exchange "orders" for "orders.x"',
      ],
    )
    assert.equal(lastLine(stdout), 'promoted: webuser')
  })

  it('points at the word where a name was written with dots', async () => {
    const questions = ['consume ui.joe.smith.1', 'consume pt.joe.smith.1', 'consume ui.joe.1']
    const asked = questions.flatMap((question) => ['--may', question])
    const { stdout } = await explain('--subject', 'joe.smith', '--role', 'trader', ...asked)
    const [allowed, refused, other] = stdout.split('\n').filter((line) => line.startsWith('may '))
    assert.match(
      allowed ?? '',
      /: refused: .*; joe\.smith is one word in patterns, joe%2Esmith: consume ui\.joe%2Esmith\.1 is allowed$/,
    )
    assert.match(refused ?? '', /: refused: .*; joe\.smith is one word in patterns, joe%2Esmith$/)
    assert.doesNotMatch(other ?? '', /one word/)
  })

  describe('with an entitlement service', () => {
    const file = valid('entitled.yaml')
    const ask = async (module: string, ...args: string[]) => {
      writeFileSync(valid('rights.mjs'), `export default ({ subject }) => (${module})\n`, { mode: 0o600 })
      const config = readFileSync(valid('minimal.yaml'), 'utf8')
      const entitled = config.replace('promote:', 'entitlements: { module: rights.mjs }\n    promote:')
      writeFileSync(file, entitled, { mode: 0o600 })
      return await runCommand(['explain', '-c', file, '--subject', 'ann', '--may', 'consume news', ...args])
    }

    it('asks nobody unless it is told to, and says so', async () => {
      const { stdout } = await ask('{ allow: true }')
      assert.match(stdout, /^entitlements: not asked/m)
      assert.match(stdout, /^may consume news: refused: no rule grants read on queue "news"$/m)
    })

    it('shows the answer, and counts it', async () => {
      const answer = `{ allow: true, roles: ['of ' + subject], permissions: { read: [{ queue: 'news' }] } }`
      const { stdout } = await ask(answer, '--entitlements')
      assert.match(stdout, /^entitlements: allowed; roles of ann$/m)
      assert.match(stdout, /^entitlements: read \{"queue":"news"\}$/m)
      assert.match(stdout, /^may consume news: allowed: read on queue "news" by entitlements\.read\[0\]$/m)
    })
  })

  it('says why an entitlement service refuses', async () => {
    const folderOf = valid('refusing.mjs')
    writeFileSync(folderOf, `export default () => ({ allow: false, reason: 'closed' })\n`, { mode: 0o600 })
    const file = valid('refusing.yaml')
    const config = readFileSync(valid('minimal.yaml'), 'utf8')
    writeFileSync(file, config.replace('promote:', 'entitlements: { module: refusing.mjs }\n    promote:'), {
      mode: 0o600,
    })
    const { stdout } = await runCommand(['explain', '-c', file, '--subject', 'ann', '--entitlements'])
    assert.equal(lastLine(stdout), 'refused: the entitlement service refuses: closed')
  })

  it('says so where the broker decides', async () => {
    const { stdout } = await runCommand(['explain', '-c', valid('minimal.yaml'), '--subject', 'ann', '--may', 'bind #'])
    assert.match(stdout, /^may bind #: the broker decides, as the service has no permissions$/m)
  })

  it('needs neither secrets nor files', async () => {
    const { code } = await runCommand(['explain', '-c', join(folder, 'invalid/files-missing.yaml'), '--subject', 'ann'])
    assert.equal(code, 0)
  })

  for (const [args, expected] of [
    [[], /explain needs --subject/],
    [['--subject', 'ann', '--service', '/amq'], /no service "\/amq"; did you mean "\/amqp"\?/],
    [['--subject', 'ann', '--authenticator', 'stuff'], /no authenticator "stuff"; did you mean "staff"\?/],
    [['--subject', 'ann', '--claim', 'dept'], /expected --claim NAME=VALUE/],
  ] as const) {
    it(`fails with 64 for ${args.join(' ') || 'nobody'}`, async () => {
      const { code, stderr } = await explain(...args)
      assert.equal(code, 64)
      assert.match(stderr, expected)
    })
  }

  it('asks for the service where there are several', async () => {
    const { code, stderr } = await runCommand(['explain', '-c', valid('warnings.yaml'), '--subject', 'ann'])
    assert.equal(code, 64)
    assert.match(stderr, /explain needs --service, one of \/amqp, \/shadow/)
  })
})
