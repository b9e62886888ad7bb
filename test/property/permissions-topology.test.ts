/**
 * Where messages end. A script of joe's goes through the filter, and what it lets through is done in a model of the broker:
 * then no message, whoever published it, may have gone a way of joe's that he could not have carried it himself.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { authorizeFilter } from '../../proxy/filters/authorize/authorize.ts'
import { AuditLog, FilterSession } from '../support/filter-session.ts'
import { authorizer, type Entry } from '../support/policy.ts'
import { trespass } from '../support/topology-judge.ts'
import { type Passage, TopologyModel } from '../support/topology-model.ts'
import {
  type Attempt,
  apply,
  methodOf,
  PROBES,
  permissions,
  propertiesOf,
  type Step,
  topology,
} from '../support/topology-script.ts'

function isForwarded(joe: FilterSession, attempt: Attempt): boolean {
  if (attempt.kind !== 'publish') {
    const { name, fields } = methodOf(attempt)
    return joe.send(name, fields).kind === 'forwarded'
  }
  const { exchange, message } = attempt
  return joe.publish(exchange, message.keys[0] ?? '', propertiesOf(message)).kind === 'forwarded'
}

/** The passages of a script, as far as the filter lets joe make it. */
function passages(entry: Entry, steps: readonly Step[]): readonly Passage[] {
  const model = new TopologyModel()
  const joe = new FilterSession([authorizeFilter(authorizer(entry), new AuditLog())])
  steps.forEach((step, id) => {
    if (step.by === 'other' || isForwarded(joe, step.attempt)) apply(model, step, id)
  })
  for (const probe of PROBES) apply(model, probe, 0)
  return model.passages
}

describe('where messages may end', () => {
  it('B5 B45 no message goes a way of joe’s that he could not have carried it himself', (test) => {
    let own = 0
    fc.assert(
      fc.property(permissions, topology, (entry, generated) => {
        const policy = authorizer(entry)
        for (const passage of passages(entry, generated)) {
          if (passage.by === 'joe') own += 1
          const why = trespass(passage, policy)
          assert.equal(why, undefined, `${passage.over} from ${passage.from}: ${why}`)
        }
      }),
      { numRuns: 1000 },
    )
    test.diagnostic(`${own} passages over what joe made`)
    assert.ok(own > 1000, `only ${own} passages over what joe made`)
  })
})
