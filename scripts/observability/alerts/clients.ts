/** What clients are refused for, and whether a record of what they did is lost. */
import type { Alert } from './alert.ts'

const A = 'job="gatehouse", instance="a"'
const B = 'job="gatehouse", instance="b"'
const RISING = 'cause:gatehouse_refusals:rate10m'

export const CLIENT_ALERTS: readonly Alert[] = [
  {
    name: 'GatehouseRefusalsRising',
    severity: 'warning',
    expr: `${RISING} > 0.5 unless ${RISING} <= 5 * (${RISING} offset 1h)`,
    holds: '5m',
    seen: 'Clients are refused far more often than an hour ago: {{ $labels.cause }}.',
    toDo: 'Look the cause up. `gatehouse refusals` lists the last ones with subject and address. A new release of a page, a changed rule, or somebody guesses passwords.',
    page: 'docs/errors.md#refused-before-any-broker-was-dialled',
    fires: {
      series: { [`gatehouse_refusals_total{${A}, cause="lacking-role"}`]: '0x70 0+120x30' },
      at: '90m',
      labels: { job: 'gatehouse', cause: 'lacking-role' },
    },
    quiet: {
      series: {
        [`gatehouse_refusals_total{${A}, cause="unauthenticated"}`]: '0+120x100',
        [`gatehouse_refusals_total{${A}, cause="lacking-role"}`]: '0x70 0+6x30',
      },
      at: '90m',
    },
  },
  {
    name: 'GatehouseCannotAdmit',
    severity: 'critical',
    expr: 'sum by (job, cause) (rate(gatehouse_refusals_total{cause=~"authentication-unavailable|credential-unavailable|entitlement-unavailable"}[5m])) > 0',
    holds: '3m',
    seen: 'Nobody can say whether clients may enter: {{ $labels.cause }}.',
    toDo: 'The log names what did not answer: an identity provider, a directory, an entitlement service, a secret. Sessions that are open go on.',
    page: 'docs/errors.md#refused-before-any-broker-was-dialled',
    fires: {
      series: { [`gatehouse_refusals_total{${A}, cause="authentication-unavailable"}`]: '0+6x20' },
      at: '10m',
      labels: { job: 'gatehouse', cause: 'authentication-unavailable' },
    },
    quiet: {
      series: {
        [`gatehouse_refusals_total{${A}, cause="authentication-unavailable"}`]: '5x20',
        [`gatehouse_refusals_total{${A}, cause="unauthenticated"}`]: '0+6x20',
      },
      at: '10m',
    },
  },
  {
    name: 'GatehouseEntitlementsFail',
    severity: 'warning',
    expr: 'sum by (job, service) (rate(gatehouse_entitlements_total{outcome="unavailable"}[5m])) > 0',
    holds: '3m',
    seen: 'The entitlement service of {{ $labels.service }} does not answer; sessions live on its last answers.',
    toDo: 'Look at that service. Sessions end when their answer is older than `staleFor` (5 min).',
    page: 'docs/entitlements.md',
    fires: {
      series: { [`gatehouse_entitlements_total{${A}, service="/amqp", outcome="unavailable"}`]: '0+2x20' },
      at: '10m',
      labels: { job: 'gatehouse', service: '/amqp' },
    },
    quiet: {
      series: { [`gatehouse_entitlements_total{${A}, service="/amqp", outcome="refused"}`]: '0+2x20' },
      at: '10m',
    },
  },
  {
    name: 'GatehouseSessionsAtLimit',
    severity: 'warning',
    expr: 'sum by (job) (rate(gatehouse_refusals_total{cause="too-many-sessions"}[10m])) > 0',
    holds: '10m',
    seen: 'Somebody has as many sessions as `sessionsPerIdentity` allows, and wants more.',
    toDo: '`gatehouse top --people` shows who. A page that never closes its sessions, or a shared account: raise the limit for its rule.',
    page: 'docs/promotion.md',
    fires: {
      series: { [`gatehouse_refusals_total{${A}, cause="too-many-sessions"}`]: '0+1x40' },
      at: '30m',
      labels: { job: 'gatehouse' },
    },
    quiet: { series: { [`gatehouse_refusals_total{${A}, cause="too-many-sessions"}`]: '0x5 3x35' }, at: '30m' },
  },
  {
    name: 'GatehouseHandshakesSlow',
    severity: 'warning',
    expr: 'job:gatehouse_handshake_seconds:p95_10m > 2',
    holds: '10m',
    seen: 'One of twenty sessions takes more than 2 s to open.',
    toDo: 'Compare the broker (`connection.open` under load), the identity provider, and the event loop of the gateways.',
    page: 'docs/performance.md',
    fires: {
      series: {
        [`gatehouse_handshake_seconds_bucket{${A}, le="2.5"}`]: '0+1x40',
        [`gatehouse_handshake_seconds_bucket{${A}, le="5"}`]: '0+60x40',
        [`gatehouse_handshake_seconds_bucket{${A}, le="+Inf"}`]: '0+60x40',
      },
      at: '30m',
      labels: { job: 'gatehouse' },
    },
    quiet: {
      series: {
        [`gatehouse_handshake_seconds_bucket{${A}, le="0.1"}`]: '0+59x40',
        [`gatehouse_handshake_seconds_bucket{${A}, le="5"}`]: '0+60x40',
        [`gatehouse_handshake_seconds_bucket{${A}, le="+Inf"}`]: '0+60x40',
      },
      at: '30m',
    },
  },
  {
    name: 'GatehouseAuditLost',
    severity: 'critical',
    expr: 'increase(gatehouse_audit_lost_total[15m]) > 0',
    holds: '0m',
    seen: 'The gateway {{ $labels.instance }} could not write audit events: the record has a gap.',
    toDo: 'Standard output is not read, or its disk is full. `onFailure: refuse` lets nobody act without a record.',
    page: 'docs/audit.md',
    fires: {
      series: { [`gatehouse_audit_lost_total{${A}}`]: '0 0 0 4x10' },
      at: '5m',
      labels: { job: 'gatehouse', instance: 'a' },
    },
    quiet: {
      series: { [`gatehouse_audit_lost_total{${A}}`]: '4x10', [`gatehouse_audit_lost_total{${B}}`]: '0x10' },
      at: '5m',
    },
  },
]
