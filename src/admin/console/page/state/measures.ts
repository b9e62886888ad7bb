/** The numbers of an overview that have a history. */
import type { Overview } from '../api/shapes.ts'

export function measuresOf({ sessions, brokers }: Overview): Readonly<Record<string, number>> {
  const nodes = brokers.flatMap((broker) =>
    broker.nodes.map((node) => [nodeMeasure(broker.name, node.url), node.sessions]),
  )
  return { sessions, ...Object.fromEntries(nodes) }
}

export function nodeMeasure(broker: string, url: string): string {
  return `node ${broker} ${url}`
}
