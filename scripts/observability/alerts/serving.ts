/** Whether gateways are there and ready, and whether what they lean on is. */
import type { Alert } from './alert.ts'

const A = 'job="gatehouse", instance="a"'
const B = 'job="gatehouse", instance="b"'

export const SERVING_ALERTS: readonly Alert[] = [
  {
    name: 'GatehouseDown',
    severity: 'critical',
    expr: 'up{job=~"gatehouse.*"} == 0',
    holds: '2m',
    seen: 'Prometheus cannot scrape the gateway at {{ $labels.instance }}.',
    toDo: 'See whether the process runs and what it logged last. Exit code 78: the configuration has a mistake. A 421 in the log: list the name in `admin.hosts`.',
    page: 'docs/troubleshooting.md',
    fires: { series: { [`up{${A}}`]: '1 1 0x10' }, at: '10m', labels: { job: 'gatehouse', instance: 'a' } },
    quiet: { series: { [`up{${A}}`]: '1x10', 'up{job="other", instance="c"}': '0x10' }, at: '10m' },
  },
  {
    name: 'GatehouseNoneReady',
    severity: 'critical',
    expr: 'max by (job) (instance:gatehouse_ready:bool) == 0',
    holds: '1m',
    seen: 'No gateway of {{ $labels.job }} is ready: load balancers send nobody anywhere.',
    toDo: 'Ask `/health/ready` of one: it names the broker that is away, or says that the gateway drains. `gatehouse undrain` calls a drain off.',
    page: 'docs/metrics.md#health',
    fires: {
      series: {
        [`gatehouse_broker_node_up{${A}, broker="main", node="n1"}`]: '0x10',
        [`gatehouse_draining{${A}}`]: '0x10',
        [`gatehouse_broker_node_up{${B}, broker="main", node="n1"}`]: '1x10',
        [`gatehouse_draining{${B}}`]: '1x10',
      },
      at: '5m',
      labels: { job: 'gatehouse' },
    },
    quiet: {
      series: {
        [`gatehouse_broker_node_up{${A}, broker="main", node="n1"}`]: '0x10',
        [`gatehouse_broker_node_up{${A}, broker="main", node="n2"}`]: '1x10',
        [`gatehouse_draining{${A}}`]: '0x10',
        [`gatehouse_broker_node_up{${B}, broker="main", node="n1"}`]: '1x10',
        [`gatehouse_draining{${B}}`]: '1x10',
      },
      at: '5m',
    },
  },
  {
    name: 'GatehouseBrokerDown',
    severity: 'critical',
    expr: 'max by (job, instance, broker) (gatehouse_broker_node_up) == 0',
    holds: '1m',
    seen: 'No node of broker {{ $labels.broker }} answers the gateway {{ $labels.instance }}; it is not ready.',
    toDo: 'The line `broker-node-away` has the URL and the cause. Where the broker runs, look at the network, its certificate, and its connection limit.',
    page: 'docs/deployment.md#several-broker-nodes',
    fires: {
      series: {
        [`gatehouse_broker_node_up{${A}, broker="main", node="n1"}`]: '1 0x10',
        [`gatehouse_broker_node_up{${A}, broker="main", node="n2"}`]: '1 0x10',
      },
      at: '5m',
      labels: { job: 'gatehouse', instance: 'a', broker: 'main' },
    },
    quiet: {
      series: {
        [`gatehouse_broker_node_up{${A}, broker="main", node="n1"}`]: '0x10',
        [`gatehouse_broker_node_up{${A}, broker="main", node="n2"}`]: '1x10',
      },
      at: '5m',
    },
  },
  {
    name: 'GatehouseBrokerNodeDown',
    severity: 'warning',
    expr: 'gatehouse_broker_node_up == 0',
    holds: '10m',
    seen: 'Node {{ $labels.node }} of broker {{ $labels.broker }} is left out by {{ $labels.instance }}; others serve.',
    toDo: 'Look at the node. The gateway takes it back by itself. Take it out of `urls` where it is gone for good.',
    page: 'docs/deployment.md#several-broker-nodes',
    fires: {
      series: { [`gatehouse_broker_node_up{${A}, broker="main", node="n1"}`]: '0x20' },
      at: '15m',
      labels: { job: 'gatehouse', instance: 'a', broker: 'main', node: 'n1' },
    },
    quiet: {
      series: { [`gatehouse_broker_node_up{${A}, broker="main", node="n1"}`]: '0 0 0 1x20' },
      at: '15m',
    },
  },
  {
    name: 'GatehouseBrokerRefuses',
    severity: 'critical',
    expr: 'sum by (job, broker, cause) (rate(gatehouse_broker_failures_total{cause=~"broker-refused|broker-fault"}[5m])) > 0',
    holds: '5m',
    seen: 'Broker {{ $labels.broker }} ends sessions while they open: {{ $labels.cause }}.',
    toDo: 'Run `gatehouse check --connect`: it logs in as each broker user and says what is missing. A password was changed, a vhost or a user removed.',
    page: 'docs/promotion.md',
    fires: {
      series: { [`gatehouse_broker_failures_total{${A}, broker="main", cause="broker-refused"}`]: '0+3x20' },
      at: '15m',
      labels: { job: 'gatehouse', broker: 'main', cause: 'broker-refused' },
    },
    quiet: {
      series: {
        [`gatehouse_broker_failures_total{${A}, broker="main", cause="broker-refused"}`]: '7x20',
        [`gatehouse_broker_failures_total{${A}, broker="main", cause="broker-lost"}`]: '0+3x20',
      },
      at: '15m',
    },
  },
  {
    name: 'GatehouseDraining',
    severity: 'warning',
    expr: 'gatehouse_draining == 1',
    holds: '30m',
    seen: 'The gateway {{ $labels.instance }} has drained for half an hour, and takes nobody.',
    toDo: 'Somebody asked for it, or a stop hangs. `gatehouse undrain` opens it again. A second SIGTERM ends it at once.',
    page: 'docs/draining.md#draining-without-a-stop',
    fires: {
      series: { [`gatehouse_draining{${A}}`]: '1x40' },
      at: '35m',
      labels: { job: 'gatehouse', instance: 'a' },
    },
    quiet: { series: { [`gatehouse_draining{${A}}`]: '1x10 0x30' }, at: '35m' },
  },
  {
    name: 'GatehouseDoorDown',
    severity: 'critical',
    expr: 'gatehouse_reverse_up == 0',
    holds: '2m',
    seen: 'The gateway {{ $labels.instance }} has no connection at the door {{ $labels.door }}.',
    toDo: 'The line `door-away` says why: the door is down, does not know the name, or a certificate ended.',
    page: 'docs/reverse-connectivity.md',
    fires: {
      series: { [`gatehouse_reverse_up{${A}, door="tls://door"}`]: '0x10' },
      at: '5m',
      labels: { job: 'gatehouse', instance: 'a', door: 'tls://door' },
    },
    quiet: { series: { [`gatehouse_reverse_up{${A}, door="tls://door"}`]: '0 1x10' }, at: '5m' },
  },
  {
    name: 'GatehouseDoorEmpty',
    severity: 'critical',
    expr: 'sum by (job, instance) (gatehouse_door_spare) == 0',
    holds: '2m',
    seen: 'No gateway waits at the door {{ $labels.instance }}; it drops clients.',
    toDo: 'Look at the gateways inside: none runs, none reaches the door, or all their spare connections are taken (`spare`).',
    page: 'docs/reverse-connectivity.md',
    fires: {
      series: { [`gatehouse_door_spare{${A}, site="main"}`]: '0x10' },
      at: '5m',
      labels: { job: 'gatehouse', instance: 'a' },
    },
    quiet: {
      series: {
        [`gatehouse_door_spare{${A}, site="main"}`]: '12x10',
        [`gatehouse_door_spare{${A}, site="other"}`]: '0x10',
      },
      at: '5m',
    },
  },
]
