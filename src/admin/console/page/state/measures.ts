/** The numbers of an overview whose last hour the gateway does not keep: this page does. */
import type { Overview } from '../api/shapes.ts'

export function measuresOf({ brokers }: Overview): Readonly<Record<string, number>> {
  const nodes = brokers.flatMap((broker) =>
    broker.nodes.map((node): [string, number] => [nodeMeasure(broker.name, node.url), node.sessions]),
  )
  return Object.fromEntries<number>(nodes)
}

export function nodeMeasure(broker: string, url: string): string {
  return `node ${broker} ${url}`
}
