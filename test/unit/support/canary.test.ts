/** What is left out of a broker's log before secrets are searched in it, and nothing beside. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { findSecrets, withoutUnreadableTokens } from '../../support/canary.ts'

const password = 'CANARY-wrong-"/+é%-26b686fb55d4'
const printed = `<<"CANARY-wrong-\\"/+é%-26b686fb55d4"/utf8>>`
const prefix = '2026-11-29 18:50:44.845959+00:00 [error] <0.1251.0>'

describe("a broker's log without what its OAuth 2 backend could not read as a token", () => {
  it('leaves that out, in one line and in several', () => {
    for (const gap of ['', `\n${prefix}       `]) {
      const log = `${prefix} PLAIN login refused: {error,{invalid_token,error,${gap}{badarg,${gap}[${printed}]},${gap}[{jose`
      assert.equal(
        withoutUnreadableTokens(`before\n${log}\nafter`),
        `before\n${log.replace(`[${printed}]`, '[left out]')}\nafter`,
      )
      assert.ok(findSecrets(log, { password }).length > 0)
    }
  })

  it('leaves a secret in at any other place', () => {
    for (const log of [
      `${prefix} {invalid_token,error,{function_clause,[${printed}]}}`,
      `${prefix} {badarg,[${printed}]}`,
      `${prefix} {invalid_token,error,{badarg,[<<"abc">>]},${printed}}`,
    ]) {
      assert.ok(findSecrets(withoutUnreadableTokens(log), { password }).length > 0, log)
    }
  })
})
