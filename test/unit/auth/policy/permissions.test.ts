import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { InvalidConfiguration } from '../../../../auth/errors.ts'
import { authorizer, facts, policy } from '../../../support/policy.ts'

const TRADER = {
  role: 'trader',
  configure: [{ queue: 'ui.${subject}.*' }, { queue: '' }],
  write: [{ queue: 'ui.${subject}.*' }, { exchange: 'orders', routingKey: 'orders.${subject}.#' }],
  read: [{ queue: 'ui.${subject}.*' }, { exchange: 'quotes', routingKey: 'quotes.#' }],
}

describe('Policy', () => {
  it('denies everything that no entry grants', () => {
    const nobody = policy([TRADER]).authorizer(facts('joe.smith', { roles: [] }))

    assert.equal(nobody.mayQueue('configure', 'ui.joe%2Esmith.1'), false)
    assert.equal(nobody.mayPublish('orders', 'orders.joe%2Esmith.new'), false)
    assert.equal(nobody.mayDeclareServerNamed, false)
  })

  it('adds up all entries that apply', () => {
    const joe = authorizer(
      { read: [{ queue: 'a' }] },
      { role: 'clerk', read: [{ queue: 'b' }] },
      { role: 'trader', read: [{ queue: 'c' }] },
    )

    assert.deepEqual(
      ['a', 'b', 'c'].filter((queue) => joe.mayQueue('read', queue)),
      ['a', 'c'],
    )
  })

  it('keeps the three permissions apart', () => {
    const joe = authorizer({ read: [{ queue: 'q' }], write: [{ exchange: 'q' }] })

    assert.equal(joe.mayQueue('configure', 'q'), false)
    assert.equal(joe.mayQueue('write', 'q'), false)
    assert.equal(joe.mayBind('read', 'q', 'k'), false)
  })

  it('A10 B11 fills variables in as one word, so that joe never reaches what is joe.smith’s', () => {
    const joe = policy([TRADER]).authorizer(facts('joe'))
    const joeSmith = policy([TRADER]).authorizer(facts('joe.smith'))

    assert.equal(joe.mayQueue('read', 'ui.joe.1'), true)
    assert.equal(joe.mayQueue('read', 'ui.joe%2Esmith.1'), false)
    assert.equal(joeSmith.mayQueue('read', 'ui.joe%2Esmith.1'), true)
    assert.equal(joeSmith.mayQueue('read', 'ui.joe.smith.1'), false)
    assert.equal(joeSmith.mayPublish('orders', 'orders.joe%2Esmith.new'), true)
    assert.equal(joeSmith.mayPublish('orders', 'orders.joe.smith.new'), false)
  })

  for (const subject of ['*', '#', '?', 'a*b', '**', '.', '${claim.x}', '%']) {
    it(`B11 a subject called ${subject} is not taken as a pattern`, () => {
      const evil = policy([TRADER]).authorizer(facts(subject))

      assert.equal(evil.mayQueue('read', 'ui.joe.1'), false)
      assert.equal(evil.mayPublish('orders', 'orders.joe.new'), false)
      assert.equal(evil.mayBind('write', 'orders', 'orders.joe.new'), false)
    })
  }

  it('grants nothing by a rule whose variable has no value', () => {
    const rules = policy([{ read: [{ queue: '${claim.dept}*' }, { queue: 'news' }] }])

    const without = rules.rulesFor(facts())

    assert.deepEqual(
      without.grants.map(({ pattern }) => pattern),
      ['news'],
    )
    assert.equal(without.unusable[0]?.place, 'permissions[0].read[0]')
    assert.equal(rules.authorizer(facts('joe', { claims: { dept: 'fx' } })).mayQueue('read', 'fx1'), true)
  })

  it('shares the rules of entries without variables, between those to whom the same entries apply', () => {
    const rules = policy([{ read: [{ queue: 'all' }] }, { role: 'trader', read: [{ queue: 'trade' }] }, TRADER])
    const clerk = (name: string) => rules.rulesFor(facts(name, { roles: ['clerk'] }))
    const patterns = (name: string, roles: string[]): string[] =>
      rules.rulesFor(facts(name, { roles })).grants.map(({ pattern }) => pattern)

    assert.equal(clerk('joe'), clerk('ann'))
    assert.notEqual(rules.rulesFor(facts('joe')), rules.rulesFor(facts('ann')))
    assert.deepEqual(patterns('joe', ['clerk']), ['all'])
    assert.ok(patterns('joe', ['trader']).includes('ui.joe.*') && !patterns('ann', ['trader']).includes('ui.joe.*'))
  })

  it('tells the combinations of entries apart, also the twelfth entry from the first two', () => {
    const rules = policy(Array.from({ length: 13 }, (_, at) => ({ role: `r${at}`, read: [{ queue: `q${at}` }] })))
    const patterns = (...roles: string[]): string[] =>
      rules.rulesFor(facts('joe', { roles })).grants.map(({ pattern }) => pattern)

    assert.deepEqual(patterns('r1', 'r2'), ['q1', 'q2'])
    assert.deepEqual(patterns('r12'), ['q12'])
    assert.deepEqual(patterns(), [])
  })

  it('says all mistakes at once, and where', () => {
    assert.throws(
      () =>
        policy([
          { read: [{ queue: '' }, { exchange: 'a', routingKey: '${nobody}' }] },
          {
            write: [{ exchange: '' }],
            configure: [{ exchange: 'x', routingKey: 'k' }],
            arguments: { 'x-expires': { inject: true } },
          },
        ]),
      (error: unknown) => {
        assert.ok(error instanceof InvalidConfiguration)
        assert.deepEqual(
          error.problems.map(({ path }) => path.join('.')),
          ['0.read.0', '0.read.1', '1.configure.0', '1.write.0', '1.arguments.x-expires.inject'],
        )
        return true
      },
    )
  })
})

describe('SessionAuthorizer', () => {
  it('B25 reaches the broker’s own exchanges only by a pattern that begins so', () => {
    const everything = authorizer({ read: [{ exchange: '*' }], write: [{ exchange: '*' }] })
    const tracing = authorizer({ read: [{ exchange: 'amq.rabbitmq.trace' }] })

    assert.equal(everything.mayBind('read', 'amq.rabbitmq.trace', '#'), false)
    assert.equal(everything.mayPublish('amq.rabbitmq.event', 'k'), false)
    assert.equal(everything.mayPublish('amq.topic', 'k'), true)
    assert.equal(tracing.mayBind('read', 'amq.rabbitmq.trace', '#'), true)
  })

  it('B6 allows a binding only if the rule contains it', () => {
    const joe = authorizer(TRADER)

    assert.equal(joe.mayBind('read', 'quotes', 'quotes.eu.*'), true)
    assert.equal(joe.mayBind('read', 'quotes', '#'), false)
    assert.equal(joe.mayBind('read', 'quotes', '*.#'), false)
  })

  it('B37 decides by exchange and key, also when it remembers', () => {
    const joe = authorizer({
      write: [
        { exchange: 'a', routingKey: 'x.#' },
        { exchange: 'b', routingKey: 'y.#' },
      ],
    })
    const ask = (): boolean[] => [
      joe.mayPublish('a', 'x.1'),
      joe.mayPublish('a', 'y.1'),
      joe.mayPublish('b', 'x.1'),
      joe.mayPublish('b', 'y.1'),
    ]

    assert.deepEqual(ask(), [true, false, false, true])
    assert.deepEqual(ask(), [true, false, false, true])
  })

  it('goes on deciding rightly when more keys are used than it remembers', () => {
    const joe = authorizer({ write: [{ exchange: 'a', routingKey: '*.yes' }] })
    for (let n = 0; n < 3000; n += 1) {
      assert.equal(joe.mayPublish('a', `${n}.yes`), true)
      assert.equal(joe.mayPublish('a', `${n}.no`), false)
    }
  })

  it('B36 decides anew when the identity is renewed', () => {
    const joe = authorizer(TRADER)
    assert.equal(joe.mayPublish('orders', 'orders.joe%2Esmith.1'), true)
    const before = joe.revision

    joe.renew(facts('joe.smith', { roles: [] }))

    assert.ok(joe.revision > before)
    assert.equal(joe.mayPublish('orders', 'orders.joe%2Esmith.1'), false)
    assert.equal(joe.mayDeclareServerNamed, false)
  })

  it('B15 knows a name by any permission on it, under any key', () => {
    const joe = authorizer({ write: [{ exchange: 'orders', routingKey: 'x' }], configure: [{ queue: 'q' }] })

    assert.equal(joe.mayKnow('exchange', 'orders'), true)
    assert.equal(joe.mayKnow('queue', 'q'), true)
    assert.equal(joe.mayKnow('queue', 'orders'), false)
  })

  it('matches no empty name by a pattern', () => {
    const joe = authorizer({ configure: [{ queue: '*' }, { exchange: '*' }], write: [{ queue: '*' }] })

    assert.equal(joe.mayDeclareServerNamed, false)
    assert.equal(joe.mayQueue('write', ''), false)
    assert.equal(joe.mayConfigureExchange(''), false)
  })
})

describe('arguments', () => {
  const carries = (joe: ReturnType<typeof authorizer>, key: string, value: bigint | string | boolean): boolean =>
    joe.mayCarry(
      typeof value === 'bigint'
        ? { key, type: 'l', value }
        : typeof value === 'string'
          ? { key, type: 'S', value: Buffer.from(value) }
          : { key, type: 't', value },
    )

  it('B27 are the harmless ones where no entry says so', () => {
    const joe = authorizer({ read: [{ queue: 'q' }] })

    assert.equal(carries(joe, 'x-message-ttl', 1000n), true)
    assert.equal(carries(joe, 'x-queue-type', 'quorum'), true)
    assert.equal(carries(joe, 'x-queue-leader-locator', 'balanced'), false)
    assert.equal(carries(joe, 'X-MESSAGE-TTL', 1000n), false)
    assert.equal(carries(joe, 'x-priority', 5n), false)
    assert.equal(carries(joe, 'x-dead-letter-exchange', 'dlx'), true)
  })

  it('B27 keep to their bounds, and only those named are left', () => {
    const joe = authorizer({
      arguments: {
        'x-max-length': { min: 1, max: 10 },
        'x-queue-type': { values: ['classic'] },
        'x-x': true,
        'x-n': { values: [5] },
      },
    })

    assert.equal(carries(joe, 'x-max-length', 10n), true)
    assert.equal(carries(joe, 'x-max-length', 11n), false)
    assert.equal(carries(joe, 'x-max-length', 0n), false)
    assert.equal(carries(joe, 'x-max-length', '10'), false)
    assert.equal(carries(joe, 'x-max-length', true), false)
    assert.equal(carries(joe, 'x-queue-type', 'classic'), true)
    assert.equal(carries(joe, 'x-queue-type', 'quorum'), false)
    assert.equal(carries(joe, 'x-x', false), true)
    assert.equal(carries(joe, 'x-n', 5n), true)
    assert.equal(carries(joe, 'x-message-ttl', 1n), false)
  })

  it('B27 are bounded, not widened, by an entry that speaks of them beside one that does not', () => {
    const joe = authorizer({ read: [{ queue: 'q' }] }, { arguments: { 'x-max-length': { max: 10 } } })

    assert.equal(carries(joe, 'x-max-length', 11n), false)
  })

  it('are injected with their greatest value', () => {
    const joe = authorizer({ arguments: { 'x-max-length': { max: 10, inject: true }, 'x-expires': { max: 5 } } })

    assert.deepEqual(joe.injected, [{ key: 'x-max-length', type: 'l', value: 10n }])
  })
})
