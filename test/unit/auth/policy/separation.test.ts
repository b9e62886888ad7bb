import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { nameGlob } from '../../../../auth/policy/name-glob.ts'
import { unseparated } from '../../../../auth/policy/separation.ts'
import { compileTemplate, word } from '../../../../auth/promotion/conditions/variables.ts'
import { facts } from '../../../support/policy.ts'

describe('unseparated', () => {
  const BLURRED: Readonly<Record<string, readonly [string, string]>> = {
    'ui.${claim.tenant}-${claim.user}.*': ['${claim.tenant}', '${claim.user}'],
    '${claim.tenant}${claim.user}': ['${claim.tenant}', '${claim.user}'],
    'a.${claim.tenant}_x9%2E${subject}': ['${claim.tenant}', '${subject}'],
    'ui.${subject}*': ['${subject}', '*'],
    'ui.${subject}-*': ['${subject}', '*'],
    'ui.${subject}?': ['${subject}', '?'],
    '*-${subject}': ['*', '${subject}'],
    'a.*${subject}.b': ['*', '${subject}'],
  }
  for (const [pattern, [left, right]] of Object.entries(BLURRED)) {
    it(`B47 ${pattern}: what one value ends with another may begin with`, () => {
      assert.deepEqual(unseparated(pattern, 'word'), { left, right })
    })
  }

  for (const pattern of [
    'ui.${claim.tenant}.${claim.user}.*',
    'ui.${claim.tenant}:${claim.user}/#',
    '${subject}',
    'ui-${subject}-inbox',
    'ui-*-inbox.${subject}',
    '*?.${subject}.**',
    'plain-*',
    '$${subject}*',
  ]) {
    it(`B47 ${pattern}: is clear`, () => {
      assert.equal(unseparated(pattern, 'word'), undefined)
    })
  }

  it('B47 in broker users and names of files a dot is no end of a value, a colon and a slash are', () => {
    for (const between of ['', '.', '-', '_', '@', '+', 'of'])
      assert.deepEqual(unseparated(`\${claim.tenant}${between}\${subject}*`, 'literal'), {
        left: '${claim.tenant}',
        right: '${subject}',
      })
    for (const between of [':', '/', '-of:', '%'])
      assert.equal(unseparated(`\${claim.tenant}${between}\${subject}*`, 'literal'), undefined)
  })

  it('B47 what it complains about does meet, and with a dot does not', () => {
    const filledIn = (pattern: string, tenant: string, user: string): string =>
      compileTemplate(pattern).render(facts('x', { claims: { tenant, user } }), word)
    const [dash, dot] = ['ui.${claim.tenant}-${claim.user}.*', 'ui.${claim.tenant}.${claim.user}.*']

    assert.equal(filledIn(dash, 'a', 'b-c'), filledIn(dash, 'a-b', 'c'))
    assert.notEqual(filledIn(dot, 'a', 'b-c'), filledIn(dot, 'a-b', 'c'))
    assert.ok(nameGlob(filledIn('ui.${claim.user}*', 'a', 'joe'))('ui.joey.1'))
  })
})
