/** The charts of the dashboard, row by row. Each metric that there is stands in one of them. */

export interface Panel {
  readonly title: string
  readonly unit: 'short' | 'reqps' | 's' | 'bytes' | 'Bps' | 'percentunit' | 'bool'
  /** `$job` and `$instance` are added to each metric. */
  readonly queries: readonly { readonly expr: string; readonly legend: string }[]
}

export interface Row {
  readonly title: string
  readonly panels: readonly Panel[]
}

const rate = (metric: string, by: string): string => `sum by (${by}) (rate(${metric}[$__rate_interval]))`
const quantile = (share: number, metric: string): string =>
  `histogram_quantile(${share}, sum by (le) (rate(${metric}_bucket[$__rate_interval])))`
const quantiles = (metric: string): Panel['queries'] => [
  { expr: quantile(0.5, metric), legend: 'half within' },
  { expr: quantile(0.99, metric), legend: '99 of 100 within' },
]
const one = (expr: string, legend: string): Panel['queries'] => [{ expr, legend }]

export const ROWS: readonly Row[] = [
  {
    title: 'Now',
    panels: [
      {
        title: 'Sessions',
        unit: 'short',
        queries: one('sum by (service) (gatehouse_sessions)', '{{service}}'),
      },
      {
        title: 'Broker nodes that answer',
        unit: 'bool',
        queries: one('min by (broker, node) (gatehouse_broker_node_up)', '{{broker}} {{node}}'),
      },
      { title: 'Draining', unit: 'bool', queries: one('gatehouse_draining', '{{instance}}') },
      {
        title: 'Refusals, by cause',
        unit: 'reqps',
        queries: one(`${rate('gatehouse_refusals_total', 'cause')} > 0`, '{{cause}}'),
      },
    ],
  },
  {
    title: 'Sessions',
    panels: [
      {
        title: 'Opened',
        unit: 'reqps',
        queries: one(rate('gatehouse_sessions_opened_total', 'service'), '{{service}}'),
      },
      {
        title: 'Ended, by reason',
        unit: 'reqps',
        queries: one(`${rate('gatehouse_session_ends_total', 'reason')} > 0`, '{{reason}}'),
      },
      { title: 'Time to open', unit: 's', queries: quantiles('gatehouse_handshake_seconds') },
      {
        title: 'Asked to reconnect',
        unit: 'reqps',
        queries: one(rate('gatehouse_drained_total', 'at'), '{{at}}'),
      },
      {
        title: 'Authentications',
        unit: 'reqps',
        queries: one(
          rate('gatehouse_authentications_total', 'authenticator, outcome'),
          '{{outcome}} {{authenticator}}',
        ),
      },
      {
        title: 'Connections dropped without an answer',
        unit: 'reqps',
        queries: one(`${rate('gatehouse_connections_dropped_total', 'cause')} > 0`, '{{cause}}'),
      },
    ],
  },
  {
    title: 'Traffic',
    panels: [
      { title: 'Bytes', unit: 'Bps', queries: one(rate('gatehouse_bytes_total', 'direction'), '{{direction}}') },
      {
        title: 'WebSocket messages',
        unit: 'reqps',
        queries: one(rate('gatehouse_messages_total', 'direction'), '{{direction}}'),
      },
      { title: 'Bytes that wait', unit: 'bytes', queries: one('gatehouse_buffered_bytes', '{{instance}}') },
      {
        title: 'Audit events lost',
        unit: 'short',
        queries: one('increase(gatehouse_audit_lost_total[$__rate_interval])', '{{instance}}'),
      },
    ],
  },
  {
    title: 'Brokers',
    panels: [
      {
        title: 'Sessions of each node',
        unit: 'short',
        queries: one('sum by (broker, node) (gatehouse_broker_node_sessions)', '{{broker}} {{node}}'),
      },
      {
        title: 'Sessions that a broker ended or refused',
        unit: 'reqps',
        queries: one(rate('gatehouse_broker_failures_total', 'broker, cause'), '{{broker}} {{cause}}'),
      },
    ],
  },
  {
    title: 'Process',
    panels: [
      {
        title: 'Processor time (1 is one core)',
        unit: 'short',
        queries: one(rate('gatehouse_processor_seconds_total', 'instance, mode'), '{{instance}} {{mode}}'),
      },
      {
        title: 'Longest delay of the event loop',
        unit: 's',
        queries: one('gatehouse_event_loop_delay_seconds', '{{instance}}'),
      },
      { title: 'Resident memory', unit: 'bytes', queries: one('gatehouse_resident_bytes', '{{instance}}') },
      { title: 'Heap in use', unit: 'percentunit', queries: one('gatehouse_heap_ratio', '{{instance}}') },
      {
        title: 'File descriptors in use',
        unit: 'percentunit',
        queries: one('gatehouse_sockets / gatehouse_descriptor_limit', '{{instance}}'),
      },
      {
        title: 'Time since the start',
        unit: 's',
        queries: one('time() - gatehouse_start_time_seconds', '{{instance}}'),
      },
      {
        title: 'Workers that died',
        unit: 'short',
        queries: one('increase(gatehouse_workers_ended_total[$__rate_interval])', '{{instance}}'),
      },
    ],
  },
  {
    title: 'Configuration',
    panels: [
      { title: 'Generation', unit: 'short', queries: one('gatehouse_config_generation', '{{instance}}') },
      {
        title: 'Gateways with each configuration',
        unit: 'short',
        queries: one('count by (hash) (gatehouse_config_info)', '{{hash}}'),
      },
      {
        title: 'Reloads',
        unit: 'short',
        queries: one('sum by (outcome) (increase(gatehouse_reloads_total[$__rate_interval]))', '{{outcome}}'),
      },
      {
        title: 'Sessions at reloads',
        unit: 'short',
        queries: one('sum by (outcome) (increase(gatehouse_reload_sessions_total[$__rate_interval]))', '{{outcome}}'),
      },
      {
        title: 'Time until certificates end',
        unit: 's',
        queries: one('gatehouse_certificate_end_seconds - time()', '{{instance}} {{place}}'),
      },
      {
        title: 'Gateways of each version',
        unit: 'short',
        queries: one('count by (version, node) (gatehouse_build_info)', '{{version}} on Node.js {{node}}'),
      },
    ],
  },
  {
    title: 'Store that gateways share',
    panels: [
      { title: 'Answers', unit: 'bool', queries: one('gatehouse_state_up', '{{instance}}') },
      { title: 'Time to an answer', unit: 's', queries: quantiles('gatehouse_state_seconds') },
      { title: 'Not answered', unit: 'reqps', queries: one(rate('gatehouse_state_errors_total', 'op'), '{{op}}') },
      {
        title: 'Decided without it',
        unit: 'reqps',
        queries: one(rate('gatehouse_state_fallbacks_total', 'kind'), '{{kind}}'),
      },
    ],
  },
  {
    title: 'Entitlements',
    panels: [
      {
        title: 'Questions',
        unit: 'reqps',
        queries: one(rate('gatehouse_entitlements_total', 'service, outcome'), '{{service}} {{outcome}}'),
      },
      { title: 'Time to an answer', unit: 's', queries: quantiles('gatehouse_entitlement_seconds') },
      {
        title: 'Different questions of live sessions',
        unit: 'short',
        queries: one('gatehouse_entitlement_questions', '{{instance}}'),
      },
    ],
  },
  {
    title: 'Doors',
    panels: [
      { title: 'Doors that are reached', unit: 'bool', queries: one('gatehouse_reverse_up', '{{instance}} {{door}}') },
      {
        title: 'Spare connections of gateways',
        unit: 'short',
        queries: one('gatehouse_reverse_spare', '{{instance}} {{door}}'),
      },
      {
        title: 'Clients through doors',
        unit: 'reqps',
        queries: one(rate('gatehouse_reverse_clients_total', 'door'), '{{door}}'),
      },
      {
        title: 'At a door: spare connections and waiting clients',
        unit: 'short',
        queries: [
          { expr: 'gatehouse_door_spare', legend: '{{site}} spare' },
          { expr: 'gatehouse_door_waiting', legend: '{{site}} waiting' },
        ],
      },
      {
        title: 'At a door: clients',
        unit: 'short',
        queries: [
          { expr: 'gatehouse_door_clients', legend: '{{instance}}' },
          {
            expr: 'sum by (instance) (rate(gatehouse_door_clients_total[$__rate_interval]))',
            legend: 'new, per second',
          },
        ],
      },
      {
        title: 'At a door: turned away',
        unit: 'reqps',
        queries: one(`${rate('gatehouse_door_refused_total', 'cause')} > 0`, '{{cause}}'),
      },
    ],
  },
]
