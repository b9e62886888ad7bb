/** The basis of a session's filters is another one wherever its filters would do something else. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type AuditSink, Usages } from '../../../../proxy/index.ts'
import { parseConfig } from '../../../../src/config/reading/load.ts'
import type { ConfigInput } from '../../../../src/index.ts'
import { ServiceFilters } from '../../../../src/services/filters.ts'
import { minimalConfig } from '../../../support/config-files.ts'

type Service = Partial<Extract<ConfigInput['services'], readonly unknown[]>[number]>
type Rule = Parameters<ServiceFilters['basis']>[1]

const identity = { issuer: 'staff', subject: 'ann', authenticator: 'staff', roles: [], claims: {}, fromCookie: false }
const facts = { identity, address: '127.0.0.1', session: 's1', user: 'webuser', tags: [] }
const permissions = [{ write: [{ exchange: 'orders' }] }, { for: { subject: 'bob' }, write: [{ exchange: 'other' }] }]

function basisOf(more: Service = {}, rule?: Rule) {
  const input = minimalConfig()
  const [only] = Array.isArray(input.services) ? (input.services as readonly Service[]) : []
  const service = { ...only, permissions, ...more }
  const { config } = parseConfig({ ...input, services: [service] } as ConfigInput, { env: {} })
  const [compiled] = config.services
  assert.ok(compiled)
  return new ServiceFilters(compiled, {} as AuditSink, new Usages()).basis(facts, rule)
}

describe('the basis of the filters of a session', () => {
  it('is the same for the same configuration, and where what has changed concerns others', () => {
    assert.ok(basisOf().equals(basisOf()))
    const forBob = { for: { subject: 'bob' }, write: [{ exchange: 'another' }] }
    assert.ok(basisOf().equals(basisOf({ permissions: [...permissions.slice(0, 1), forBob] })))
    assert.ok(basisOf().equals(basisOf({ limits: { ping: '20s' } })))
  })

  const changes: Readonly<Record<string, readonly [Service, Rule?]>> = {
    permissions: [{ permissions: [{ write: [{ exchange: 'other' }] }] }],
    'no permissions': [{ permissions: undefined }],
    enforce: [{ enforce: false }],
    stamp: [{ stamp: { appId: 'ui' } }],
    'limits.perIdentity': [{ limits: { perIdentity: { queues: 4 } } }],
    'limits.message': [{ limits: { message: '1KiB' } }],
    'perIdentity of the rule': [{}, { perIdentity: { queues: 4 } }],
    'message of the rule': [{}, { message: 1_024 }],
    audit: [{ audit: { include: ['publish'] } }],
  }
  for (const [what, [service, rule]] of Object.entries(changes)) {
    it(`is another one with another ${what}`, () => {
      assert.ok(!basisOf().equals(basisOf(service, rule)))
    })
  }
})
