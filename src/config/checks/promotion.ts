/** Promotion rules: targets exist and lead to a vhost, expressions can be decided. */
import { type Finding, unknownName } from '../reading/issues.ts'
import type { Path } from '../reading/problems.ts'
import type { Config, RuleConfig, ServiceConfig } from '../schema/schema.ts'
import { LOOPBACK_TEXT } from './brokers.ts'
import { checkMatch } from './matching.ts'
import { checkVhosts } from './services.ts'

/** What a refusing rule says of a session that never is. */
const WITHOUT_EFFECT = ['vhost', 'vhosts', 'limits', 'tags'] as const

function checkTarget({ to }: RuleConfig, path: Path, { broker }: ServiceConfig, brokers: Config['brokers']): Finding[] {
  if (to === undefined) return []
  if (typeof to !== 'string') {
    if (to.username !== 'guest' || to.allowLoopbackUser) return []
    return [{ path: [...path, 'username'], at: 'value', message: LOOPBACK_TEXT }]
  }
  const credentials = Object.hasOwn(brokers, broker) ? brokers[broker]?.credentials : undefined
  if (!credentials || Object.hasOwn(credentials, to)) return []
  const message = `broker ${broker} has no such credential`
  return [unknownName(path, message, to, Object.keys(credentials), ['brokers', broker, 'credentials', to])]
}

function checkRefusing(rule: RuleConfig, path: Path): Finding[] {
  const found = checkMatch(rule.when, [...path, 'when'])
  for (const key of WITHOUT_EFFECT) {
    const value = rule[key]
    if (value === undefined || (Array.isArray(value) && value.length === 0)) continue
    found.push({ path: [...path, key], at: 'key', message: 'without effect beside `refuse`: nobody is promoted' })
  }
  return found
}

function checkRule(rule: RuleConfig, path: Path, service: ServiceConfig, { brokers }: Config): Finding[] {
  if (rule.refuse !== undefined) return checkRefusing(rule, path)
  const found = [
    ...checkTarget(rule, [...path, 'to'], service, brokers),
    ...checkVhosts(rule, path),
    ...checkMatch(rule.when, [...path, 'when']),
  ]
  const hasVhost = [rule.vhost, rule.vhosts, service.vhost, service.vhosts].some((vhost) => vhost !== undefined)
  if (!hasVhost) {
    const message = 'missing: expected `vhost` (pinned) or `vhosts` (a choice), here or in the service'
    found.push({ path: [...path, 'vhost'], at: 'value', message, refersTo: [...path.slice(0, 2), 'vhost'] })
  }
  return found
}

export function checkPromotion(config: Config): Finding[] {
  return config.services.flatMap((service, index) =>
    service.promote.flatMap((rule, position) =>
      checkRule(rule, ['services', index, 'promote', position], service, config),
    ),
  )
}
