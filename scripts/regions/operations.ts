/** What operators look up: refusals and ends, log events and fields, metrics. From the tables the gateway itself uses. */
import { ConnectionFault } from '../../proxy/faults.ts'
import { BROKER_FAILURES } from '../../src/brokers/broker-failures.ts'
import { REFUSALS, type RefusalSpec } from '../../src/http/refusal.ts'
import { DROPS, type DropSpec } from '../../src/http/server/drops.ts'
import { EVENTS, type EventSpec, FIELDS } from '../../src/ops/events.ts'
import { ENDS } from '../../src/sessions/end-reasons.ts'
import { DOOR_REFUSALS, type DoorRefusalSpec } from '../../src/tunnel/door/causes.ts'
import { markdownTable } from '../generated-regions.ts'
import { doorMetrics, gatewayMetrics, type KnownMetric } from '../observability/metric-table.ts'

/** Why clients are refused before any broker is dialled, and what each of them sees. */
export function refusalTable(): string {
  const rows = Object.entries<RefusalSpec>(REFUSALS).map(([cause, { status, inBand, log, whatToDo }]) => [
    `\`${cause}\``,
    String(status),
    inBand === undefined
      ? 'never'
      : `${new ConnectionFault(inBand.code, inBand.explanation).replyCode} ${inBand.explanation}, ${inBand.closeCode}`,
    `\`${log}\``,
    whatToDo,
  ])
  return markdownTable(['cause', 'by HTTP', 'in band', 'log event', 'what to do'], rows)
}

/** Why connections are dropped without an answer. */
export function dropTable(): string {
  const rows = Object.entries<DropSpec>(DROPS).map(([cause, { log, level, means }]) => [
    `\`${cause}\``,
    `\`${log}\``,
    level ?? EVENTS[log].level,
    means,
  ])
  return markdownTable(['cause', 'log event', 'log level', 'means'], rows)
}

/** Why sessions end. */
export function endTable(): string {
  const rows = Object.entries(ENDS).map(([reason, { level, clientSees, whatToDo }]) => [
    `\`${reason}\``,
    clientSees,
    level,
    whatToDo,
  ])
  return markdownTable(['reason', 'the client sees', 'log level', 'what to do'], rows)
}

/** What brokers have against sessions. */
export function brokerFailureTable(): string {
  const rows = Object.entries(BROKER_FAILURES).map(([cause, { remedy, rests }]) => [
    `\`${cause}\``,
    rests === undefined ? '' : RESTING[rests],
    remedy,
  ])
  return markdownTable(['cause', 'what rests', 'remedy'], rows)
}

const RESTING = {
  credential: 'the credential',
  vhost: 'the credential in that vhost',
  broker: 'the broker',
} as const

/** Every event that is logged. */
export function eventTable(): string {
  const rows = Object.entries<EventSpec>(EVENTS).map(([event, { level, means, perTenSeconds }]) => [
    `\`${event}\``,
    level,
    means,
    perTenSeconds === undefined ? '' : String(perTenSeconds),
  ])
  return markdownTable(['event', 'level', 'means', 'lines in 10 s'], rows)
}

/** Every field a line can have. */
export function fieldTable(): string {
  return markdownTable(
    ['field', 'holds'],
    Object.entries(FIELDS).map(([field, holds]) => [`\`${field}\``, holds]),
  )
}

/** What a door turns away. */
export function doorRefusalTable(): string {
  const rows = Object.entries<DoorRefusalSpec>(DOOR_REFUSALS).map(([cause, { log, means }]) => [
    `\`${cause}\``,
    `\`${log}\``,
    means,
  ])
  return markdownTable(['cause', 'log event', 'means'], rows)
}

/** Every metric of a door. */
export async function doorMetricTable(): Promise<string> {
  return tableOf(await doorMetrics())
}

/** Every metric of a gateway. */
export async function metricTable(): Promise<string> {
  return tableOf(await gatewayMetrics())
}

function tableOf(metrics: readonly KnownMetric[]): string {
  const rows = metrics.map(({ name, type, labels, help }) => [
    `\`${name}\``,
    type,
    labels.map((label) => `\`${label}\``).join(', '),
    help,
  ])
  return markdownTable(['metric', 'type', 'labels', 'means'], rows)
}
