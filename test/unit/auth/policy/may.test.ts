import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { may } from '../../../../auth/policy/may.ts'
import { facts, policy } from '../../../support/policy.ts'

const RULES = policy([
  {
    configure: [{ queue: '' }, { exchange: 'ex.*' }],
    write: [{ queue: 'ui.${subject}.*' }, { exchange: 'orders', routingKey: 'orders.#' }],
  },
  { role: 'trader', read: [{ exchange: 'quotes', routingKey: 'quotes.#' }, { queue: '${claim.dept}.*' }] },
]).rulesFor(facts())

describe('may', () => {
  const allowed: Readonly<Record<string, string>> = {
    'bind quotes.#': 'read on exchange "quotes" for "quotes.#" by permissions[1].read[0]',
    'unbind quotes.eu on quotes': 'read on exchange "quotes" for "quotes.eu" by permissions[1].read[0]',
    'bind quotes.eu on quotes to ui.joe%2Esmith.1':
      'write on queue "ui.joe%2Esmith.1" by permissions[0].write[0], read on exchange "quotes" for "quotes.eu" by permissions[1].read[0]',
    'publish orders.new': 'write on exchange "orders" for "orders.new" by permissions[0].write[1]',
    'publish orders.new on orders': 'write on exchange "orders" for "orders.new" by permissions[0].write[1]',
    'publish ui.joe%2Esmith.1 on ""': 'write on queue "ui.joe%2Esmith.1" by permissions[0].write[0]',
    'declare queue ""': 'configure on server-named queues by permissions[0].configure[0]',
    "declare exchange 'ex.1'": 'configure on exchange "ex.1" by permissions[0].configure[1]',
    'delete exchange ex.1': 'configure on exchange "ex.1" by permissions[0].configure[1]',
    'ask exchange orders': 'any permission on exchange "orders" by permissions[0].write[1]',
    'ask queue ui.joe%2Esmith.1': 'any permission on queue "ui.joe%2Esmith.1" by permissions[0].write[0]',
  }
  for (const [question, because] of Object.entries(allowed)) {
    it(`${question}: allowed, by the rule that is named`, () => {
      assert.deepEqual(may(RULES, question), { isAllowed: true, because })
    })
  }

  it('B45 forward: the destination is asked about for every key, the source for the binding’s', () => {
    const rules = policy([
      { write: [{ exchange: 'hub' }], read: [{ exchange: 'quotes', routingKey: 'quotes.#' }] },
    ]).rulesFor(facts())

    assert.deepEqual(may(rules, 'forward quotes.eu from quotes to hub'), {
      isAllowed: true,
      because:
        'write on exchange "hub" for "#" by permissions[0].write[0], read on exchange "quotes" for "quotes.eu" by permissions[0].read[0]',
    })
    assert.equal(may(rules, 'forward # from quotes to hub').isAllowed, false)
  })

  const refused: Readonly<Record<string, string>> = {
    'bind #': 'no rule grants read on any exchange for "#"',
    'bind quotes.# on orders': 'no rule grants read on exchange "orders" for "quotes.#"',
    'bind quotes.# to payroll': 'no rule grants write on queue "payroll"',
    'forward orders.new from quotes to orders':
      'no rule grants write on exchange "orders" for "#", nor read on exchange "quotes" for "orders.new"',
    'publish payroll on ""': 'no rule grants write on queue "payroll"',
    'publish quotes.eu': 'no rule grants write on any exchange for "quotes.eu"',
    'declare queue payroll': 'no rule grants configure on queue "payroll"',
    'consume payroll': 'no rule grants read on queue "payroll"',
    'get payroll': 'no rule grants read on queue "payroll"',
    'purge payroll': 'no rule grants read on queue "payroll"',
  }
  for (const [question, because] of Object.entries(refused)) {
    it(`${question}: refused, with what is lacking`, () => {
      const answer = may(RULES, question)

      assert.equal(answer.isAllowed, false)
      assert.ok(answer.because.startsWith(because), answer.because)
    })
  }

  it('says which rule grants nothing for want of a value', () => {
    assert.match(may(RULES, 'consume fx.1').because, /permissions\[1\]\.read\[1\] grants nothing: \$\{claim\.dept\}/)
  })

  for (const question of [
    '',
    'fly',
    'bind',
    'publish a b',
    'bind a on',
    'forward a from b',
    'declare q',
    'declare queue',
    'consume a b',
    'ask thing x',
  ]) {
    it(`${JSON.stringify(question)} is no question, and what is one is said`, () => {
      assert.throws(() => may(RULES, question), /forward KEY from EXCHANGE/)
    })
  }
})
