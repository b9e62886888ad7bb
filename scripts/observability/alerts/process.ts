/** How near the limits of a process and its certificates are. */
import type { Alert } from './alert.ts'

const A = 'job="gatehouse", instance="a"'
const LABELS = { job: 'gatehouse', instance: 'a' }
const DAY_SECONDS = 86_400

export const PROCESS_ALERTS: readonly Alert[] = [
  {
    name: 'GatehouseOverloaded',
    severity: 'critical',
    expr:
      'sum by (job, instance) (rate(gatehouse_refusals_total{cause="overloaded"}[5m]))' +
      ' + sum by (job, instance) (rate(gatehouse_session_ends_total{reason="overload"}[5m])) > 0',
    holds: '2m',
    seen: 'The gateway {{ $labels.instance }} refuses or ends sessions for want of memory or file descriptors.',
    toDo: 'Start another gateway beside it, or raise `LimitNOFILE` and `--max-old-space-size`. `overload-refused` says which it is.',
    page: 'docs/deployment.md#open-files-and-memory',
    fires: {
      series: {
        [`gatehouse_refusals_total{${A}, cause="overloaded"}`]: '0+2x20',
        [`gatehouse_session_ends_total{${A}, reason="overload"}`]: '0x20',
      },
      at: '10m',
      labels: LABELS,
    },
    quiet: {
      series: {
        [`gatehouse_refusals_total{${A}, cause="overloaded"}`]: '9x20',
        [`gatehouse_session_ends_total{${A}, reason="overload"}`]: '0x20',
      },
      at: '10m',
    },
  },
  {
    name: 'GatehouseSocketsNearLimit',
    severity: 'warning',
    expr: 'instance:gatehouse_sockets:ratio > 0.8',
    holds: '5m',
    seen: 'The gateway {{ $labels.instance }} has used more than 80 % of its file descriptors.',
    toDo: 'Raise `LimitNOFILE` to twice the sessions plus 600, or start another gateway.',
    page: 'docs/deployment.md#open-files-and-memory',
    fires: {
      series: { [`gatehouse_sockets{${A}}`]: '900x20', [`gatehouse_descriptor_limit{${A}}`]: '1024x20' },
      at: '10m',
      labels: LABELS,
    },
    quiet: {
      series: { [`gatehouse_sockets{${A}}`]: '900x20', [`gatehouse_descriptor_limit{${A}}`]: '65536x20' },
      at: '10m',
    },
  },
  {
    name: 'GatehouseHeapNearLimit',
    severity: 'warning',
    expr: 'gatehouse_heap_ratio > 0.75',
    holds: '5m',
    seen: 'The heap of {{ $labels.instance }} is filled to more than 75 %; at 85 % it refuses new sessions.',
    toDo: 'Compare `gatehouse_buffered_bytes`: slow readers hold messages. Else raise `--max-old-space-size`, or start another gateway.',
    page: 'docs/deployment.md#open-files-and-memory',
    fires: { series: { [`gatehouse_heap_ratio{${A}}`]: '0.8x20' }, at: '10m', labels: LABELS },
    quiet: { series: { [`gatehouse_heap_ratio{${A}}`]: '0.8 0.8 0.4x20' }, at: '10m' },
  },
  {
    name: 'GatehouseEventLoopLate',
    severity: 'warning',
    expr: 'avg_over_time(gatehouse_event_loop_delay_seconds[10m]) > 0.25',
    holds: '5m',
    seen: 'The event loop of {{ $labels.instance }} is late by more than 250 ms again and again.',
    toDo: 'One core is full: start another gateway. Else something blocks: a module of yours, a large reload.',
    page: 'docs/performance.md',
    fires: {
      series: { [`gatehouse_event_loop_delay_seconds{${A}}`]: '0.4x30' },
      at: '25m',
      labels: LABELS,
    },
    quiet: { series: { [`gatehouse_event_loop_delay_seconds{${A}}`]: '0.02x10 1.5 0.02x20' }, at: '25m' },
  },
  {
    name: 'GatehouseRestarts',
    severity: 'warning',
    expr: 'changes(gatehouse_start_time_seconds[1h]) > 3',
    holds: '0m',
    seen: 'The gateway {{ $labels.instance }} was started again more than three times in an hour.',
    toDo: 'Read the last lines before each start, and how it ended: killed for memory, `internal-error`, a probe that is too strict.',
    page: 'docs/troubleshooting.md',
    fires: {
      series: { [`gatehouse_start_time_seconds{${A}}`]: '100x5 400x5 700x5 1000x5 1300x5' },
      at: '30m',
      labels: LABELS,
    },
    quiet: { series: { [`gatehouse_start_time_seconds{${A}}`]: '100x10 800x20' }, at: '30m' },
  },
  {
    name: 'GatehouseWorkersEnd',
    severity: 'warning',
    expr: 'increase(gatehouse_workers_ended_total[1h]) > 3',
    holds: '0m',
    seen: 'Processes of the gateway {{ $labels.instance }} died more than three times in an hour, each with its sessions.',
    toDo: 'The line `worker-ended` says how. SIGKILL: the machine is short of memory. Else read the lines of that `worker` before it.',
    page: 'docs/scaling.md#workers',
    fires: { series: { [`gatehouse_workers_ended_total{${A}}`]: '0x5 1+1x30' }, at: '20m', labels: LABELS },
    quiet: { series: { [`gatehouse_workers_ended_total{${A}}`]: '0x5 2x30' }, at: '20m' },
  },
  ...[
    { name: 'GatehouseCertificateEnds', severity: 'warning', days: 14, holds: '60m' } as const,
    { name: 'GatehouseCertificateEndsSoon', severity: 'critical', days: 2, holds: '5m' } as const,
  ].map(
    ({ name, severity, days, holds }): Alert => ({
      name,
      severity,
      expr: `gatehouse_certificate_end_seconds - time() < ${days} * ${DAY_SECONDS}`,
      holds,
      seen: `The certificate of {{ $labels.place }} at {{ $labels.instance }} ends in less than ${days} days.`,
      toDo: 'Renew it, put it in the place of the old one, and reload (SIGHUP). If the file is new already, nobody has reloaded.',
      page: 'docs/deployment.md#tls',
      fires: {
        series: {
          [`gatehouse_certificate_end_seconds{${A}, place="listen[0].tls.cert"}`]: `${(days - 1) * DAY_SECONDS}x90`,
        },
        at: '80m',
        labels: { ...LABELS, place: 'listen[0].tls.cert' },
      },
      quiet: {
        series: {
          [`gatehouse_certificate_end_seconds{${A}, place="listen[0].tls.cert"}`]: `${(days + 1) * DAY_SECONDS}x90`,
        },
        at: '80m',
      },
    }),
  ),
]
