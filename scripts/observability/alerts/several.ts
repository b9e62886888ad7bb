/** What several gateways share, and whether they are of one mind. */
import type { Alert } from './alert.ts'

const A = 'job="gatehouse", instance="a"'
const B = 'job="gatehouse", instance="b"'
const LABELS = { job: 'gatehouse', instance: 'a' }

export const SEVERAL_ALERTS: readonly Alert[] = [
  {
    name: 'GatehouseStateDown',
    severity: 'critical',
    expr: 'gatehouse_state_up == 0',
    holds: '1m',
    seen: 'The store that gateways share does not answer {{ $labels.instance }}, or takes no writes.',
    toDo: 'Open sessions go on. Tickets and OpenID logins are refused (503) until it is back. The line `state-away` says why.',
    page: 'docs/scaling.md#when-the-store-is-away',
    fires: { series: { [`gatehouse_state_up{${A}}`]: '1 0x10' }, at: '5m', labels: LABELS },
    quiet: { series: { [`gatehouse_state_up{${A}}`]: '1 0 1x10' }, at: '5m' },
  },
  {
    name: 'GatehouseStateErrors',
    severity: 'warning',
    expr: 'sum by (job, instance) (rate(gatehouse_state_errors_total[10m])) > 0.05',
    holds: '10m',
    seen: 'The store leaves questions of {{ $labels.instance }} without an answer now and then.',
    toDo: 'Compare its latency (`gatehouse_state_seconds`) with `state.timeout`: a busy store, a slow disk, a network that drops.',
    page: 'docs/scaling.md#when-the-store-is-away',
    fires: { series: { [`gatehouse_state_errors_total{${A}, op="ticket"}`]: '0+6x40' }, at: '30m', labels: LABELS },
    quiet: { series: { [`gatehouse_state_errors_total{${A}, op="ticket"}`]: '0x10 2x30' }, at: '30m' },
  },
  {
    name: 'GatehouseReloadRefused',
    severity: 'warning',
    expr: 'increase(gatehouse_reloads_total{outcome="refused"}[30m]) > 0',
    holds: '0m',
    seen: 'The gateway {{ $labels.instance }} refused a new configuration, and goes on with the one before.',
    toDo: 'The line `reload-refused` lists each mistake with file and line. A restart would fail with it: mend it now.',
    page: 'docs/configuration.md',
    fires: {
      series: { [`gatehouse_reloads_total{${A}, outcome="refused"}`]: '0 0 0 1x20' },
      at: '10m',
      labels: { ...LABELS, outcome: 'refused' },
    },
    quiet: {
      series: {
        [`gatehouse_reloads_total{${A}, outcome="refused"}`]: '1x20',
        [`gatehouse_reloads_total{${A}, outcome="done"}`]: '0 0 0 1x20',
      },
      at: '10m',
    },
  },
  {
    name: 'GatehouseConfigurationsDiffer',
    severity: 'warning',
    expr: 'count by (job) (count by (job, hash) (gatehouse_config_info)) > 1',
    holds: '15m',
    seen: 'Gateways of {{ $labels.job }} have had different configurations for a quarter of an hour.',
    toDo: '`gatehouse status` shows the hash of each. A rollout stands still, a reload was refused, or somebody changed one by hand.',
    page: 'docs/scaling.md#limits-that-span-all-gateways',
    fires: {
      series: { [`gatehouse_config_info{${A}, hash="1"}`]: '1x30', [`gatehouse_config_info{${B}, hash="2"}`]: '1x30' },
      at: '20m',
      labels: { job: 'gatehouse' },
    },
    quiet: {
      series: {
        [`gatehouse_config_info{${A}, hash="1"}`]: '1x30',
        [`gatehouse_config_info{${B}, hash="2"}`]: '1 1 1 stale',
        [`gatehouse_config_info{${B}, hash="1"}`]: '_ _ _ 1x30',
      },
      at: '20m',
    },
  },
]
