/** Series that Prometheus computes ahead, for alerts and for charts over long times. */

export interface Recording {
  readonly record: string
  readonly expr: string
}

export const RECORDINGS: readonly Recording[] = [
  {
    record: 'instance:gatehouse_ready:bool',
    expr:
      'min by (job, instance) (max by (job, instance, broker) (gatehouse_broker_node_up))' +
      ' * on (job, instance) (1 - gatehouse_draining)',
  },
  { record: 'service:gatehouse_sessions:sum', expr: 'sum by (job, service) (gatehouse_sessions)' },
  {
    record: 'service:gatehouse_sessions_opened:rate5m',
    expr: 'sum by (job, service) (rate(gatehouse_sessions_opened_total[5m]))',
  },
  {
    record: 'reason:gatehouse_session_ends:rate5m',
    expr: 'sum by (job, reason) (rate(gatehouse_session_ends_total[5m]))',
  },
  { record: 'cause:gatehouse_refusals:rate10m', expr: 'sum by (job, cause) (rate(gatehouse_refusals_total[10m]))' },
  {
    record: 'job:gatehouse_handshake_seconds:p95_10m',
    expr: 'histogram_quantile(0.95, sum by (job, le) (rate(gatehouse_handshake_seconds_bucket[10m])))',
  },
  {
    record: 'instance:gatehouse_sockets:ratio',
    expr: 'gatehouse_sockets / gatehouse_descriptor_limit',
  },
  {
    record: 'instance:gatehouse_processor_seconds:rate5m',
    expr: 'sum by (job, instance) (rate(gatehouse_processor_seconds_total[5m]))',
  },
]
