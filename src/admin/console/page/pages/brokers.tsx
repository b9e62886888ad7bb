/** Brokers, their nodes, and how sessions are spread over them. */
import type { Broker } from '../api/shapes.ts'
import { count, counted } from '../parts/format.ts'
import { Heading, Trouble } from '../parts/standing.tsx'
import { linkTo } from '../state/address.ts'
import { useWatch } from '../state/watch.ts'

export function Brokers() {
  const { overview, error } = useWatch()
  return (
    <>
      <Heading>Brokers</Heading>
      <Trouble error={error} />
      <div class="cards two">
        {overview?.brokers.map((broker) => (
          <BrokerCard key={broker.name} broker={broker} />
        ))}
      </div>
    </>
  )
}

function BrokerCard({ broker: { name, ready, nodes } }: { readonly broker: Broker }) {
  const sessions = nodes.reduce((sum, node) => sum + node.sessions, 0)
  return (
    <section class="card">
      <div class="heading">
        <h2>{name}</h2>
        <span class={ready ? 'good' : 'bad'}>{ready ? 'ready' : 'no node answers'}</span>
      </div>
      <p class="hint">
        <a href={linkTo('sessions', '', new URLSearchParams({ broker: name }))}>{counted(sessions, 'session')}</a>
      </p>
      <table>
        <thead>
          <tr>
            <th scope="col">node</th>
            <th scope="col">state</th>
            <th scope="col" class="number">
              sessions
            </th>
            <th scope="col">share</th>
          </tr>
        </thead>
        <tbody>
          {nodes.map((node) => (
            <tr key={node.url}>
              <td class="code">{node.name}</td>
              <td class={node.up ? 'good' : 'bad'}>{node.up ? 'up' : 'away'}</td>
              <td class="number">{count(node.sessions)}</td>
              <td>
                <meter
                  min={0}
                  max={Math.max(1, sessions)}
                  value={node.sessions}
                  aria-label={`Share of ${node.name} in the sessions of ${name}`}
                />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}
