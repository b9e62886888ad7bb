/** Promotion rules: their targets exist, they lead to a vhost, their expressions can be decided. */
import type { Finding } from '../issues.ts'
import { suggestion } from '../nearest.ts'
import type { Path } from '../problems.ts'
import type { Config, RuleConfig, ServiceConfig } from '../schema.ts'
import { LOOPBACK_TEXT } from './brokers.ts'
import { checkMatch } from './matching.ts'
import { checkVhosts } from './services.ts'

function checkTarget({ to }: RuleConfig, path: Path, broker: Config['brokers'][string] | undefined): Finding[] {
  if (typeof to === 'string') {
    if (!broker || Object.hasOwn(broker.credentials, to)) return []
    return [
      {
        path,
        at: 'value',
        message: `this broker has no such credential${suggestion(to, Object.keys(broker.credentials))}`,
      },
    ]
  }
  if (to.username === 'guest' && !to.allowLoopbackUser)
    return [{ path: [...path, 'username'], at: 'value', message: LOOPBACK_TEXT }]
  return []
}

function checkRule(
  rule: RuleConfig,
  path: Path,
  service: ServiceConfig,
  broker: Config['brokers'][string] | undefined,
): Finding[] {
  const found = [
    ...checkTarget(rule, [...path, 'to'], broker),
    ...checkVhosts(rule, path),
    ...checkMatch(rule.when, [...path, 'when']),
  ]
  const hasVhost = [rule.vhost, rule.vhosts, service.vhost, service.vhosts].some((vhost) => vhost !== undefined)
  if (!hasVhost) {
    const message = 'missing: expected `vhost` (pinned) or `vhosts` (a choice), here or in the service'
    found.push({ path: [...path, 'vhost'], at: 'value', message })
  }
  return found
}

export function checkPromotion({ services, brokers }: Config): Finding[] {
  return services.flatMap((service, index) => {
    const broker = Object.hasOwn(brokers, service.broker) ? brokers[service.broker] : undefined
    return service.promote.flatMap((rule, position) =>
      checkRule(rule, ['services', index, 'promote', position], service, broker),
    )
  })
}
