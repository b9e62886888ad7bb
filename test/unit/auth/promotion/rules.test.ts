/** Promotion: which rule wins, what the broker is shown, what is refused and with which words. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { inspect } from 'node:util'
import { InvalidConfiguration, PromotionRefused } from '../../../../auth/errors.ts'
import type { Identity } from '../../../../auth/identity.ts'
import { checkCredentials, compileCredentials } from '../../../../auth/promotion/credentials/credentials.ts'
import type { CredentialInput, PromotionRuleInput, SecretSources } from '../../../../auth/promotion/input.ts'
import { compilePromotion, type PromotionFacts, type RuleSurroundings } from '../../../../auth/promotion/rules.ts'

const files: Record<string, string> = { '/s/webuser': 'web-secret\n', '/s/joe.smith': 'joes-secret' }
const sources: SecretSources = {
  readFile: async (path) => {
    const content = files[path]
    if (content === undefined) throw new Error('no such file')
    return Buffer.from(content)
  },
  env: (name) => (name === 'SMITHJ' ? 'smith-secret' : undefined),
}
const named: Record<string, CredentialInput> = {
  smithj: { kind: 'password', username: 'smithj', password: { kind: 'env', name: 'SMITHJ' } },
  webuser: {
    kind: 'password',
    username: 'webuser',
    password: { kind: 'file', path: '/s/webuser' },
    mechanism: 'AMQPLAIN',
  },
  machine: { kind: 'external' },
}
const context: RuleSurroundings = { credentials: compileCredentials(named, sources), vhosts: { vhost: '/' }, sources }

const joe: Identity = {
  issuer: 'https://idp.example.com',
  subject: 'joe.smith',
  authenticator: 'sso',
  roles: ['trader'],
  claims: { dept: 'ops', object: {}, sneaky: 'x\0admin' },
  fromCookie: false,
}
const facts = (extra: Partial<Identity> = {}): PromotionFacts => ({
  identity: { ...joe, ...extra },
  address: '203.0.113.7',
  session: 's-1',
})

const rules: readonly PromotionRuleInput<{ n: number }>[] = [
  { when: { subject: 'joe.smith' }, to: 'smithj', limits: { n: 1 }, tags: ['desk'] },
  { when: { role: 'trader' }, to: 'webuser', vhosts: ['a', 'b'] },
  {
    when: { claim: { dept: 'ops' } },
    to: { username: '${subject}', password: { kind: 'file', path: '/s/${subject}' } },
    vhost: 'ops',
  },
  { when: { role: 'robot' }, to: 'machine' },
]
const promotion = compilePromotion(rules, context)

async function refusalOf(promise: Promise<unknown>): Promise<PromotionRefused> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  assert.ok(error instanceof PromotionRefused, String(error))
  return error
}

describe('promotion', () => {
  it('takes the first rule that matches, always the same', async () => {
    const promoted = await promotion.promote(facts())
    assert.equal(promoted.rule, 0)
    assert.equal(promoted.name, 'smithj')
    assert.deepEqual(promoted.vhosts, { pinned: '/' })
    assert.deepEqual(promoted.limits, { n: 1 })
    assert.deepEqual(promoted.tags, ['desk'])
    assert.equal(promoted.credential.username, 'smithj')
    assert.deepEqual(promoted.credential.mechanisms, ['PLAIN', 'AMQPLAIN'])
    assert.equal(promoted.credential.response('PLAIN').toString(), '\0smithj\0smith-secret')
  })

  it('consolidates, with the rule’s own vhosts, in the mechanism asked for', async () => {
    const { credential, vhosts, tags, limits } = await promotion.promote(facts({ subject: 'ann' }))
    assert.deepEqual(vhosts, { allowed: ['a', 'b'] })
    assert.deepEqual([tags, limits], [[], undefined])
    assert.deepEqual(credential.mechanisms, ['AMQPLAIN'])
    assert.equal(
      credential.response('AMQPLAIN').toString('latin1'),
      '\x05LOGINS\0\0\0\x07webuser\x08PASSWORDS\0\0\0\x0aweb-secret',
    )
    assert.throws(() => credential.response('PLAIN'), RangeError)
  })

  it('fills in a template, and shows EXTERNAL nothing', async () => {
    files['/s/ann'] = 'anns-secret'
    const templated = await promotion.promote(facts({ subject: 'ann', roles: [] }))
    assert.equal(templated.name, undefined)
    assert.deepEqual(templated.vhosts, { pinned: 'ops' })
    assert.equal(templated.credential.response('PLAIN').toString(), '\0ann\0anns-secret')
    const { credential } = await promotion.promote(facts({ subject: 'r2', roles: ['robot'], claims: {} }))
    assert.deepEqual(credential.mechanisms, ['EXTERNAL'])
    assert.equal(credential.username, 'machine')
    assert.equal(credential.response('EXTERNAL').length, 0)
    assert.throws(() => credential.response('PLAIN'), RangeError)
  })

  it('gives a fresh response each time, outside any pool, that may be overwritten', async () => {
    const { credential } = await promotion.promote(facts())
    const first = credential.response('PLAIN')
    assert.equal(first.buffer.byteLength, first.length)
    first.fill(0)
    assert.equal(credential.response('PLAIN').toString(), '\0smithj\0smith-secret')
    assert.ok(!inspect(credential, { depth: 9, showHidden: true }).includes('smith-secret'))
    assert.ok(!JSON.stringify(credential).includes('smith-secret'))
  })

  it('refuses whom no rule means, and leaves the remedy to the log', async () => {
    const error = await refusalOf(promotion.promote(facts({ subject: 'eve', roles: [], claims: {} })))
    assert.equal(error.code, 'no-rule')
    assert.match(error.message, /subject "eve" of issuer "https:\/\/idp\.example\.com" with no roles/)
    // The log has it once, in its field `allow`.
    assert.doesNotMatch(error.message, /CREDENTIAL/)
    const none = await refusalOf(compilePromotion([], context).promote(facts()))
    assert.equal(none.code, 'no-rule')
  })

  it('keeps roles and subjects of one spelling, and issuers, apart', async () => {
    const one = compilePromotion([{ when: { role: 'joe.smith' }, to: 'smithj' }], context)
    assert.equal((await refusalOf(one.promote(facts()))).code, 'no-rule')
    const two = compilePromotion([{ when: { subject: 'trader' }, to: 'smithj' }], context)
    assert.equal((await refusalOf(two.promote(facts()))).code, 'no-rule')
    const three = compilePromotion([{ when: { subject: 'joe.smith', issuer: 'staff' }, to: 'smithj' }], context)
    assert.equal((await refusalOf(three.promote(facts()))).code, 'no-rule')
  })

  const template = (username: string, extra: Partial<CredentialInput> = {}) =>
    compilePromotion(
      [{ to: { username, password: { kind: 'text', text: 'x' }, ...extra } as PromotionRuleInput['to'] }],
      context,
    )

  for (const [username, identity, message] of [
    ['${claim.object}', {}, /promotion rule 1 \(to \$\{claim\.object\}\): \$\{claim\.object\} is an object/],
    ['${claim.missing}', {}, /missing/],
    ['${claim.sneaky}', {}, /NUL/],
    ['${subject}', { subject: 'a:b' }, /\$\{subject\}/],
    ['${subject}', { subject: '.hidden' }, /dot/],
    ['tenant-${subject}', { subject: 'x'.repeat(129) }, /129 bytes/],
    ['${subject}-${subject}', { subject: 'x'.repeat(128) }, /257 bytes, at most 255/],
    ['${subject}', { subject: 'guest' }, /trusts for being on its own machine/],
    ['gu${claim.dept}', { claims: { dept: 'est' } }, /allowLoopbackUser/],
  ] as const) {
    it(`A9 A21 refuses ${username} for ${JSON.stringify(identity).slice(0, 40)} before anything is dialled, naming the rule`, async () => {
      const error = await refusalOf(template(username).promote(facts(identity)))
      assert.equal(error.code, 'bad-value')
      assert.match(error.message, /^promotion rule 1 /)
      assert.match(error.message, message)
      assert.equal(template(username).explain(facts(identity)).result.kind, 'refused')
    })
  }

  it('lets guest be guest where that was said', async () => {
    const { credential } = await template('${subject}', { allowLoopbackUser: true }).promote(
      facts({ subject: 'guest' }),
    )
    assert.equal(credential.username, 'guest')
  })

  for (const [secret, message] of [
    ['a\0b', /NUL/],
    ['a\nb', /control character/],
    ['a\x7f', /control character/],
  ] as const) {
    it(`A9 refuses the secret ${JSON.stringify(secret)} without showing it`, async () => {
      const broken = compilePromotion([{ to: { username: 'x', password: { kind: 'text', text: secret } } }], context)
      const error = await refusalOf(broken.promote(facts()))
      assert.equal(error.code, 'secret-unavailable')
      assert.match(error.message, message)
      assert.ok(!error.message.includes(secret))
    })
  }

  it('names the rule whose secret cannot be had', async () => {
    const error = await refusalOf(promotion.promote(facts({ subject: 'bob', roles: [] })))
    assert.equal(error.code, 'secret-unavailable')
    assert.match(
      error.message,
      /promotion rule 3 \(to \$\{subject\}\): the secret file \/s\/bob cannot be read: no such file/,
    )
  })

  it('takes a changed secret for the next session', async () => {
    files['/s/webuser'] = 'newer'
    const { credential } = await promotion.promote(facts({ subject: 'ann' }))
    assert.match(credential.response('AMQPLAIN').toString('latin1'), /newer$/)
  })
})

describe('a rule that refuses', () => {
  const refusing = compilePromotion(
    [{ when: { subject: 'ann' }, refuse: 'ask the desk' }, ...rules, { refuse: 'nobody else' }],
    { ...context, vhosts: { vhost: '/' } },
  )

  it('is first where it matches, with its text for the client', async () => {
    const error = await refusalOf(refusing.promote(facts({ subject: 'ann' })))
    assert.deepEqual([error.code, error.forClient], ['rule-refused', 'ask the desk'])
    assert.equal(error.message, 'promotion rule 1 refuses: ask the desk')
    assert.throws(
      () => refusing.decide(facts({ subject: 'ann' })),
      (thrown) => thrown instanceof PromotionRefused && thrown.forClient === 'ask the desk',
    )
  })

  it('does nothing to whom it does not match, or whom an earlier one promotes', async () => {
    assert.equal((await refusing.promote(facts())).rule, 1)
    const last = await refusalOf(refusing.promote(facts({ subject: 'eve', roles: [], claims: {} })))
    assert.equal(last.message, 'promotion rule 6 refuses: nobody else')
    assert.deepEqual(await refusing.check(), [])
  })

  it('needs no vhost, and shows in an explanation', () => {
    const { rules: explained, result } = refusing.explain(facts({ subject: 'ann' }))
    assert.deepEqual(explained[0], {
      index: 0,
      effect: 'refuse "ask the desk"',
      outcome: 'won',
      reason: 'everything it asks for is there',
    })
    assert.equal(explained[1]?.outcome, 'not-reached')
    assert.deepEqual(result, { kind: 'refused', code: 'rule-refused', detail: 'ask the desk' })
    assert.doesNotThrow(() => compilePromotion([{ refuse: 'closed' }], { ...context, vhosts: {} }))
  })

  it('either promotes or refuses', () => {
    for (const rule of [{}, { to: 'smithj', refuse: 'no' }])
      assert.throws(() => compilePromotion([rule], context), /0: either to \(promotes\) or refuse/)
  })
})

describe('an explanation', () => {
  it('tells what became of each rule, and the broker’s view', () => {
    const explanation = promotion.explain(facts({ subject: 'ann' }))
    assert.deepEqual(
      explanation.rules.map(({ outcome, effect }) => [outcome, effect]),
      [
        ['passed-over', 'to smithj'],
        ['won', 'to webuser'],
        ['not-reached', 'to ${subject}'],
        ['not-reached', 'to machine'],
      ],
    )
    assert.equal(explanation.rules[0]?.reason, 'subject "ann" is not "joe.smith"')
    assert.equal(explanation.rules[2]?.reason, 'rule 2 won before')
    assert.deepEqual(explanation.result, {
      kind: 'promoted',
      rule: 1,
      username: 'webuser',
      mechanisms: ['AMQPLAIN'],
      vhosts: { allowed: ['a', 'b'] },
      tags: [],
    })
  })

  it('tells that nothing matched', () => {
    const { rules: explained, result } = promotion.explain(facts({ subject: 'eve', roles: [], claims: {} }))
    assert.ok(explained.every(({ outcome, reason }) => outcome === 'passed-over' && reason !== ''))
    assert.equal(result.kind === 'refused' && result.code, 'no-rule')
  })
})

describe('what promotion is made of', () => {
  function problems(compile: () => unknown): readonly string[] {
    try {
      compile()
    } catch (error) {
      assert.ok(error instanceof InvalidConfiguration, String(error))
      return error.problems.map(({ path, message }) => `${path.join('.')}: ${message}`)
    }
    throw new Error('was accepted')
  }

  it('is wrong in all these places at once', () => {
    const wrong: readonly PromotionRuleInput[] = [
      { to: 'nobody' },
      { when: { claim: { x: { matches: '(' } }, role: [] }, to: 'smithj', vhost: 'a', vhosts: ['b'] },
      { to: { username: '${user}', password: { kind: 'file', path: '/s/${nothing}' } } },
      { to: { username: 'guest', password: { kind: 'text', text: 'x' } }, vhost: 'x'.repeat(256) },
      { to: 'smithj', vhosts: [] },
      { to: 'smithj', vhosts: ['ok', 'nul\0', ''] },
    ]
    const found = problems(() => compilePromotion(wrong, context))
    assert.deepEqual(
      found.map((line) => line.split(': ')[0]),
      [
        '0.to',
        '1.when.role',
        '1.when.claim.x',
        '1.vhosts',
        '2.to.username',
        '2.to.password',
        '3.to.username',
        '3.vhost',
        '4.vhosts',
        '5.vhosts.1',
        '5.vhosts.2',
      ],
    )
    assert.match(found[0] ?? '', /"nobody" is none of the broker's credentials; there are smithj, webuser, machine/)
  })

  it('needs a vhost from somewhere', () => {
    assert.match(problems(() => compilePromotion([{ to: 'smithj' }], { ...context, vhosts: {} })).join(), /no vhost/)
    assert.ok(compilePromotion([{ to: 'smithj', vhost: 'x' }], { ...context, vhosts: {} }))
  })

  it('has credentials that are wrong in all these places at once', () => {
    const secret = { kind: 'text', text: 'x' } as const
    const found = problems(() =>
      compileCredentials(
        {
          guest: { username: 'guest', password: secret },
          empty: { username: '', password: secret },
          nul: { username: 'a\0b', password: secret },
          control: { username: 'a\nb', password: secret },
          half: { username: '\ud800', password: secret },
          long: { username: '\u00e9'.repeat(128), password: secret },
          fine: { username: 'x', password: secret },
          machine: { kind: 'external', username: 'a\0' },
          token: {
            kind: 'oauth2',
            username: '',
            tokenUrl: 'http://idp.example.com/token',
            clientId: 'x',
            clientSecret: secret,
          },
        },
        sources,
      ),
    )
    assert.deepEqual(
      found.map((line) => line.split(': ')[0]),
      [
        'guest.username',
        'empty.username',
        'nul.username',
        'control.username',
        'half.username',
        'long.username',
        'machine.username',
        'token.oauth2.tokenUrl',
        'token.username',
      ],
    )
    assert.match(found[5] ?? '', /256 bytes/)
  })

  it('takes a named user literally, dollars and all', async () => {
    const credentials = compileCredentials(
      { x: { username: '${subject}', password: { kind: 'text', text: 'x' } } },
      sources,
    )
    const { credential } = await compilePromotion([{ to: 'x' }], { ...context, credentials }).promote(facts())
    assert.equal(credential.username, '${subject}')
  })

  it('is checked for its secrets at start', async () => {
    const credentials = compileCredentials(
      {
        ...named,
        gone: { username: 'x', password: { kind: 'env', name: 'GONE' } },
        broken: { username: 'x', password: { kind: 'text', text: 'a\nb' } },
      },
      sources,
    )
    const found = await checkCredentials(credentials)
    assert.deepEqual(
      found.map(({ path }) => path.join('.')),
      ['gone.password', 'broken.password'],
    )
    const own = compilePromotion(
      [
        { to: 'smithj' },
        { to: { username: 'x', password: { kind: 'env', name: 'GONE' } } },
        { to: { username: 'x', password: { kind: 'file', path: '/s/${subject}' } } },
      ],
      context,
    )
    assert.deepEqual(
      (await own.check()).map(({ path, message }) => [path.join('.'), message]),
      [['1.to.password', 'the environment variable GONE is not set']],
    )
  })
})
