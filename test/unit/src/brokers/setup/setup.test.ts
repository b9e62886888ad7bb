/** What a broker needs for a configuration: users, vhosts, rights, what is not known; as lines, and as definitions. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { describe, it } from 'node:test'
import {
  type BrokerNeeds,
  type BrokerUserNeeds,
  brokerNeeds,
  rightsOf,
} from '../../../../../src/brokers/setup/broker-needs.ts'
import { definitionsOf } from '../../../../../src/brokers/setup/definitions.ts'
import { rabbitmqctlLines } from '../../../../../src/brokers/setup/rabbitmqctl.ts'
import { parseConfig } from '../../../../../src/config/reading/load.ts'
import type { ConfigInput } from '../../../../../src/config/schema/schema.ts'

type Service = Extract<ConfigInput['services'], readonly unknown[]>[number]

const CREDENTIALS = {
  smithj: { username: 'smithj', password: { file: '/secrets/smithj' } },
  webuser: { username: "o'web", password: { env: 'WEB_PASSWORD' } },
  typed: { username: 'typed', password: 'never shown' },
  card: { mechanism: 'EXTERNAL' as const, username: 'machine' },
  nameless: { mechanism: 'EXTERNAL' as const },
  token: { oauth2: { tokenUrl: 'https://idp.example.com/token', clientId: 'gate', clientSecret: 's' } },
  own: { passOn: 'accessToken' as const },
}

function needs(services: readonly (Partial<Service> & Pick<Service, 'promote'>)[]): BrokerNeeds {
  const { config } = parseConfig(
    {
      listen: { port: 0 },
      brokers: { main: { urls: ['amqps://127.0.0.1'], tls: { cert: '/c', key: '/k' }, credentials: CREDENTIALS } },
      services: services.map((service, index) => ({
        path: `/s${index}`,
        broker: 'main',
        vhost: '/',
        anonymous: true,
        permissions: [],
        ...service,
      })),
    },
    { files: false, env: { WEB_PASSWORD: 'never shown' } },
  )
  const [only] = brokerNeeds(config)
  assert.ok(only !== undefined)
  return only
}

const rightsIn = ({ permissions, name }: BrokerUserNeeds, vhost: string) => rightsOf(permissions.get(vhost), name)

describe('what a broker needs', () => {
  it('joins the rights of all ways to a user, in each vhost', () => {
    const { users, vhosts } = needs([
      { promote: [{ to: 'smithj' }], permissions: [{ read: [{ queue: 'a' }] }] },
      { promote: [{ to: 'smithj', vhosts: ['/', 'other'] }], permissions: [{ read: [{ exchange: 'b' }] }] },
    ])
    assert.deepEqual(vhosts, ['/', 'other'])
    assert.deepEqual(
      users.map((user) => [
        user.name,
        ...[...user.permissions.keys()].map((vhost) => [vhost, rightsIn(user, vhost).read]),
      ]),
      [['smithj', ['/', '^(?:a|b)$'], ['other', '^(?:b)$']]],
    )
  })

  it('leaves out entries whose tag the rule does not give', () => {
    const permissions = [
      { for: { tag: 'desk' }, read: [{ queue: 'desk' }] },
      { for: { tag: { glob: 'd*' } }, read: [{ queue: 'glob' }] },
      { read: [{ queue: 'all' }] },
    ]
    const { users } = needs([
      {
        permissions,
        promote: [
          { when: { subject: 'a' }, to: 'smithj' },
          { to: 'typed', tags: ['desk'] },
        ],
      },
    ])
    assert.deepEqual(
      users.map((user) => rightsIn(user, '/').read),
      ['^(?:all|glob)$', '^(?:all|desk|glob)$'],
    )
  })

  it('gives every right where the gateway refuses nothing, and says so', () => {
    const { users, notes } = needs([
      { promote: [{ to: 'smithj' }], permissions: undefined },
      { promote: [{ to: 'typed' }], enforce: false },
    ])
    for (const user of users) assert.deepEqual(rightsIn(user, '/'), { configure: '.*', write: '.*', read: '.*' })
    assert.match(notes.join('\n'), /\/s0 has no `permissions`.*\n.*\/s1 has `enforce: false`/)
  })

  it('says which users it cannot know, with the rights that each needs', () => {
    const { users, notes } = needs([
      {
        stamp: { userId: 'subject' },
        permissions: [{ write: [{ exchange: '${user}' }], read: [{ exchange: 'a.b' }] }],
        promote: [
          { when: { subject: 'a' }, to: 'own' },
          { when: { subject: 'b' }, to: 'nameless' },
          { when: { subject: 'c' }, refuse: 'no' },
          { to: { username: 'u-${subject}', password: { file: '/secrets/${subject}' } } },
        ],
      },
    ])
    assert.deepEqual(users, [])
    assert.equal(notes.length, 3)
    assert.match(
      notes[0] ?? '',
      /^services\[0\]\.promote\[0\]: the broker users are those of the tokens\. Each needs in '\/'/,
    )
    assert.ok(notes[0]?.includes("read '^(?:a\\.b)$'"), 'as it has to be typed')
    assert.match(notes[1] ?? '', /certificate, and brokers\.main\.credentials\.nameless has no `username`/)
    assert.match(
      notes[2] ?? '',
      /called u-\$\{subject\}\. .*write '\^\(\?:\[A-Za-z0-9_%-\]\+\)\$'.*the tag impersonator$/,
    )
  })

  it('takes a template without variables for the user that it is', () => {
    const { users } = needs([{ promote: [{ to: { username: 'a$${b}', password: { file: '/s' } } }] }])
    assert.deepEqual(
      users.map(({ name }) => name),
      ['a${b}'],
    )
  })
})

describe('rabbitmqctl lines', () => {
  it('show no password, and are what a shell reads', () => {
    const all = needs([
      {
        stamp: { userId: 'subject' },
        vhost: "it's",
        promote: ['smithj', 'webuser', 'typed', 'card', 'token', 'own'].map((to, index) => ({
          when: { subject: `s${index}` },
          to,
        })),
        permissions: [{ read: [{ exchange: 'a$(b)' }] }],
      },
    ])
    const script = rabbitmqctlLines(all).join('\n')
    assert.doesNotMatch(script, /never shown/)
    assert.match(script, /^rabbitmqctl add_user 'smithj' < '\/secrets\/smithj'$/m)
    assert.match(script, /^printf '%s\\n' "\$WEB_PASSWORD" \| rabbitmqctl add_user 'o'\\''web'$/m)
    assert.match(
      script,
      /^# asks for the password at brokers\.main\.credentials\.typed\.password\nrabbitmqctl add_user 'typed' < \/dev\/tty$/m,
    )
    assert.match(script, /rabbitmqctl add_user 'machine' && rabbitmqctl clear_password 'machine'$/m)
    assert.match(script, /^# user gate is known by its token/m)
    const shown = execFileSync('sh', ['-s'], {
      input: `rabbitmqctl() { printf '<%s>' "$@"; echo; }\n${script.replaceAll(/ < \S+$/gm, '')}\n`,
      encoding: 'utf8',
    })
    assert.match(shown, /^<add_vhost><it's>$/m)
    assert.match(shown, /^<add_user><o'web>$/m)
    assert.match(shown, /^<set_permissions><-p><it's><o'web><><><\^\(\?:a\\\$\\\(b\\\)\)\$>$/m)
    assert.match(shown, /^<set_user_tags><smithj><impersonator>$/m)
    assert.doesNotMatch(shown, /<gate>/)
  })
})

describe('definitions', () => {
  it('have no password, and nothing of users that tokens make', () => {
    const all = needs([
      {
        stamp: { userId: 'subject' },
        promote: [{ when: { subject: 'a' }, to: 'smithj' }, { to: 'token' }],
        permissions: [{ read: [{ queue: 'q' }] }],
      },
    ])
    assert.deepEqual(definitionsOf(all), {
      vhosts: [{ name: '/' }],
      users: [{ name: 'smithj', tags: ['impersonator'] }],
      permissions: [{ user: 'smithj', vhost: '/', configure: '', write: '^(?:amq\\.default)$', read: '^(?:q)$' }],
    })
  })
})
