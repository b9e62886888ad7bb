/** What docs/permissions.md says of its examples is what the policies say. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { may } from '../../../auth/policy/may.ts'
import { parseConfig } from '../../../src/config/reading/load.ts'
import { policyOf } from '../../../src/services/filters.ts'
import { permissionExample } from '../../support/permission-examples.ts'
import { facts } from '../../support/policy.ts'

for (const name of ['chat', 'rpc', 'market']) {
  describe(`docs/permissions.md: ${name}`, () => {
    const { permissions, asked } = permissionExample(name)
    const { config } = parseConfig({
      listen: { port: 0 },
      brokers: {
        main: { urls: ['amqp://127.0.0.1'], credentials: { webuser: { username: 'webuser', password: 'p' } } },
      },
      services: [
        { path: '/amqp', broker: 'main', vhost: '/', anonymous: true, promote: [{ to: 'webuser' }], permissions },
      ],
    })
    const [service] = config.services
    const policy = service === undefined ? undefined : policyOf(service)

    for (const { subject, roles, claims, question, isAllowed } of asked) {
      it(`${[subject, ...roles, ...Object.entries(claims).map((claim) => claim.join('='))].join(', ')}: ${question}`, () => {
        const somebody = { ...facts(subject, { roles, claims }), user: 'webuser', tags: [] }

        const answer = may(policy?.rulesFor(somebody) ?? assert.fail('there is no policy'), question)

        assert.equal(answer.isAllowed, isAllowed, answer.because)
      })
    }
  })
}
