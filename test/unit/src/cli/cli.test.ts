/** The command line: what is printed where, and with which exit code. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { configFiles, FIXTURE_ENV } from '../../../support/config-files.ts'
import { runCommand } from '../../../support/terminal.ts'

const folder = configFiles()
const valid = (name: string) => join(folder, 'valid', name)
const packageJson = JSON.parse(readFileSync(join(import.meta.dirname, '../../../../package.json'), 'utf8')) as {
  version: string
}

describe('gatehouse', () => {
  it('prints its version', async () => {
    for (const flag of ['--version', '-v']) {
      assert.deepEqual(await runCommand([flag]), { code: 0, stdout: `${packageJson.version}\n`, stderr: '' })
    }
  })

  it('lists its commands for --help, help and -h', async () => {
    const { code, stdout, stderr } = await runCommand(['--help'])
    assert.equal(code, 0)
    assert.equal(stderr, '')
    for (const name of ['serve', 'check', 'explain', 'broker-setup', 'hash-password', 'secret', 'schema', 'demo'])
      assert.match(stdout, new RegExp(`^  ${name} `, 'm'))
    assert.equal((await runCommand(['help'])).stdout, stdout)
    assert.equal((await runCommand(['-h'])).stdout, stdout)
  })

  it('says more about each command, however it is asked', async () => {
    for (const name of ['serve', 'check', 'explain', 'broker-setup', 'hash-password', 'secret', 'schema', 'demo']) {
      const { code, stdout } = await runCommand(['help', name])
      assert.equal(code, 0)
      assert.match(stdout, new RegExp(`Usage: gatehouse ${name}`))
      assert.equal((await runCommand([name, '--help'])).stdout, stdout)
    }
  })

  it('prints the list and fails where there is no command', async () => {
    const { code, stdout, stderr } = await runCommand([])
    assert.deepEqual([code, stdout], [64, ''])
    assert.match(stderr, /Usage: gatehouse COMMAND/)
  })

  for (const [args, expected] of [
    [['srve'], 'gatehouse: no command "srve"; did you mean "serve"?\nTry: gatehouse --help\n'],
    [['help', 'chekc'], 'gatehouse: no command "chekc"; did you mean "check"?\nTry: gatehouse --help\n'],
    [['-c', 'x.yaml', 'serve'], 'gatehouse: expected a command before "-c"\nTry: gatehouse --help\n'],
    [['check'], 'gatehouse: check needs -c FILE\nTry: gatehouse help check\n'],
    [['check', 'a.yaml'], 'gatehouse: check takes no argument "a.yaml"\nTry: gatehouse help check\n'],
    [
      ['check', '--confg', 'x'],
      'gatehouse: check has no option --confg; did you mean --config?\nTry: gatehouse help check\n',
    ],
    [['check', '-x'], "gatehouse: check: unknown option '-x'\nTry: gatehouse help check\n"],
    [
      ['serve', '--port', '99999', '--broker', 'amqp://a', '--user', 'a:b=c:d'],
      'gatehouse: serve: expected a port from 0 to 65535 after --port\nTry: gatehouse help serve\n',
    ],
    [['serve'], 'gatehouse: serve needs -c FILE, or --broker and --user for tests\nTry: gatehouse help serve\n'],
    [
      ['serve', '-c', 'x', '--port', '1'],
      'gatehouse: serve: --port goes without -c: a file says it itself\nTry: gatehouse help serve\n',
    ],
    [
      ['serve', '--broker', 'amqp://a', '--user', 'joe=x'],
      'gatehouse: expected --user NAME:PASSWORD=BROKER_USER:BROKER_PASSWORD\nTry: gatehouse help serve\n',
    ],
    [
      ['serve', '--broker', 'amqp://a', '--user', 'a:b=c:d', '--user', 'a:x=y:z'],
      'gatehouse: serve: --user "a" is there twice\nTry: gatehouse help serve\n',
    ],
    [
      ['serve', '--broker', 'http://a', '--user', 'a:b=c:d'],
      'gatehouse: serve: --broker: expected a URL such as amqp://rabbitmq.example.com:5672\nTry: gatehouse help serve\n',
    ],
    [
      ['serve', '--broker', 'amqp://a', '--user', 'a:b=guest:d'],
      /^gatehouse: serve: --user: guest is the user RabbitMQ accepts/,
    ],
    [['secret'], 'gatehouse: secret needs one of keygen, encrypt, rotate\nTry: gatehouse help secret\n'],
    [
      ['secret', 'rotat'],
      'gatehouse: there is no "secret rotat"; did you mean "rotate"?\nTry: gatehouse help secret\n',
    ],
  ] as const) {
    it(`fails with 64 for ${args.join(' ')}`, async () => {
      const { code, stdout, stderr } = await runCommand(args)
      assert.deepEqual([code, stdout], [64, ''])
      if (typeof expected === 'string') assert.equal(stderr, expected)
      else assert.match(stderr, expected)
    })
  }

  it('never repeats a password of the command line', async () => {
    for (const user of ['joe:CANARY', 'joe:CANARY=smithj', ':CANARY=x:y', 'a:b=c:CANARY', 'CANARY']) {
      const { stderr } = await runCommand(['serve', '--broker', 'nonsense', '--user', user])
      assert.ok(!stderr.includes('CANARY'), stderr)
    }
  })
})

describe('check', () => {
  it('prints a summary and exits with 0', async () => {
    const { code, stdout, stderr } = await runCommand(['check', '-c', valid('mapped-and-consolidated.yaml')], {
      env: FIXTURE_ENV,
    })
    assert.equal(code, 0, stderr)
    assert.equal(stderr, '')
    assert.match(stdout, /^listens at ws:\/\/0\.0\.0\.0:8080$/m)
    assert.match(
      stdout,
      /^\/amqp: broker main \(amqp:\/\/127\.0\.0\.1:5672\); proof by sso, staff, tickets; pages of https:\/\/app\.example\.com; 3 rules; 1 permission entry$/m,
    )
    assert.match(stdout, /mapped-and-consolidated\.yaml: good\n$/)
  })

  it('prints warnings on standard error and exits with 0', async () => {
    const { code, stdout, stderr } = await runCommand(['check', '-c', valid('warnings.yaml')], { env: FIXTURE_ENV })
    assert.equal(code, 0)
    assert.equal(stderr.split('\n').filter((line) => line.startsWith('warning: ')).length, 27)
    assert.match(
      stderr,
      /authenticators\.realm\.type: negotiate needs the package kerberos: run `npm install kerberos`/,
    )
    assert.match(stdout, /good, 27 warnings\n$/)
  })

  it('prints every mistake and their number, and exits with 78', async () => {
    const file = join(folder, 'invalid/all-at-once.yaml')
    const { code, stdout, stderr } = await runCommand(['check', '-c', file], { env: FIXTURE_ENV })
    assert.deepEqual([code, stdout], [78, ''])
    assert.equal(stderr.split('\n').length, 5 + 2)
    assert.match(stderr, /\n5 mistakes\n$/)
  })

  it('refuses secrets that are there and cannot be used', async () => {
    writeFileSync(valid('secrets/webuser'), 'two\nlines\n')
    const { code, stderr } = await runCommand(['check', '-c', valid('mapped-and-consolidated.yaml')], {
      env: FIXTURE_ENV,
    })
    writeFileSync(valid('secrets/webuser'), 'webuser-password\n')
    assert.equal(code, 78)
    assert.match(stderr, /brokers\.main\.credentials\.webuser\.password: the secret holds a control character/)
    assert.ok(!stderr.includes('two'))
  })

  it('loads the modules of credentials, and refuses those that cannot be', async () => {
    const file = valid('module.yaml')
    const text = readFileSync(valid('minimal.yaml'), 'utf8')
    writeFileSync(file, text.replace(/webuser: \{ .* \}\n/, 'webuser: { module: ./credential.mjs }\n'), { mode: 0o600 })
    writeFileSync(valid('credential.mjs'), 'export default async () => ({ username: "u", password: "p" })\n')
    const good = await runCommand(['check', '-c', file])
    assert.equal(good.code, 0, good.stderr)
    writeFileSync(file, text.replace(/webuser: \{ .* \}\n/, 'webuser: { module: ./broken.mjs }\n'), { mode: 0o600 })
    writeFileSync(valid('broken.mjs'), 'throw new Error("no database")\n')
    // The place, though the text of the file was good; from `serve` as well, which loads it when it starts.
    const line =
      readFileSync(file, 'utf8')
        .split('\n')
        .findIndex((each) => each.includes('broken.mjs')) + 1
    for (const command of ['check', 'serve']) {
      const broken = await runCommand([command, '-c', file])
      assert.equal(broken.code, 78)
      const told = `module\\.yaml:${line}:\\d+: brokers\\.main\\.credentials\\.webuser.*broken\\.mjs cannot be loaded: no database`
      assert.match(broken.stderr, new RegExp(told))
    }
  })

  it('exits with 78 for a file that is not there', async () => {
    const { code, stderr } = await runCommand(['check', '-c', valid('no-such.yaml')])
    assert.equal(code, 78)
    assert.match(stderr, /no-such\.yaml: no such file/)
  })
})

describe('schema', () => {
  it('prints JSON', async () => {
    const { code, stdout } = await runCommand(['schema'])
    assert.equal(code, 0)
    assert.equal((JSON.parse(stdout) as { title: string }).title, 'Configuration of Gatehouse')
  })
})
