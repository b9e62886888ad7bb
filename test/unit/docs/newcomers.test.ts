/** The first steps that the pages tell newcomers fit together: what one page shows works with what another one says. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { may } from '../../../auth/index.ts'
import { parseConfig } from '../../../src/config/reading/load.ts'
import { listenAt } from '../../../src/ops/listen-at.ts'
import { policyOf } from '../../../src/services/filters.ts'

const read = (page: string) => readFileSync(join(import.meta.dirname, '../../..', page), 'utf8')
const readme = read('README.md')
const [, configuration = ''] = /<!-- file: gatehouse\.yaml -->\n```yaml\n(.*?)^```$/ms.exec(readme) ?? []
const [, permissions = ''] = /^```yaml\n( {4}permissions:\n.*?)^```$/ms.exec(readme) ?? []

describe('README.md', () => {
  it('has a page that its own permissions let work', () => {
    const { config } = parseConfig(`${configuration}${permissions}`, { env: {}, files: false })
    const [service] = config.services
    assert.ok(service)
    const identity = {
      issuer: 'staff',
      subject: 'joe.smith',
      authenticator: 'staff',
      roles: ['trader'],
      claims: {},
      fromCookie: false,
    }
    const facts = { identity, address: '127.0.0.1', session: 's', user: 'smithj', tags: [] }
    const rules = policyOf(service)?.rulesFor(facts)
    assert.ok(rules)
    // In a template: `gate.who.word` is the subject as one word of a name.
    const queues = [...readme.matchAll(/session\.queue\(`([^`]+)`/g)].map(([, name = '']) =>
      name.replace(`\${gate.who.word}`, 'joe%2Esmith'),
    )
    assert.equal(queues.length, 1)
    for (const name of queues) {
      for (const question of [`declare queue ${name}`, `consume ${name}`, `publish ${name} on ""`]) {
        assert.ok(may(rules, question).isAllowed, question)
      }
    }
  })
})

describe('docs/deployment.md', () => {
  it("has a unit whose environment has every variable of README's configuration", () => {
    const [page, unit] = [read('docs/deployment.md'), read('deploy/systemd/gatehouse.service')]
    const variables = [...configuration.matchAll(/env: ([A-Z_]+)/g)].map(([, name]) => name)
    assert.deepEqual(variables, ['SMITHJ_PASSWORD'])
    assert.match(unit, /^EnvironmentFile=\/etc\/gatehouse\/environment$/m)
    for (const name of variables)
      assert.match(page, new RegExp(`^echo '${name}=.*>> /etc/gatehouse/environment(?: |$)`, 'm'))
    for (const file of ['gatehouse.yaml', 'users.yaml', 'secrets/']) assert.ok(page.includes(file), file)
  })
})

describe('every page', () => {
  it('installs only what can be had', () => {
    for (const page of ['README.md', 'docs/deployment.md']) {
      assert.doesNotMatch(read(page), /npm install (?:--global |-g )?amqp-gatehouse/)
    }
  })
})

describe('an address that cannot be had', () => {
  it('is told with what to do', async () => {
    const taken = createServer()
    await listenAt(taken, { host: '127.0.0.1', port: 0 }, 'listen')
    const address = taken.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0

    await assert.rejects(listenAt(createServer(), { host: '127.0.0.1', port }, 'admin'), {
      code: 'EADDRINUSE',
      message: /EADDRINUSE.*\(`admin`\): another program listens there: end it, or choose another port/,
    })
    await assert.rejects(listenAt(createServer(), { host: '192.0.2.1', port: 0 }, 'listen'), {
      message: /\(`listen`\): this machine has no such address/,
    })

    taken.close()
  })
})
