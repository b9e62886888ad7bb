/** Brokers, their nodes, and how sessions are spread over them. */
import { count, counted } from '../parts/format.ts'
import { Heading, Nothing, Trouble } from '../parts/standing.tsx'
import { linkTo } from '../state/address.ts'
import { useWatch } from '../state/watch.ts'

export function Brokers() {
  const { overview, error } = useWatch()
  return (
    <>
      <Heading>Brokers</Heading>
      <Trouble error={error} />
      <div class="cards">
        {overview?.brokers.map((broker) => {
          const sessions = broker.nodes.reduce((sum, node) => sum + node.sessions, 0)
          return (
            <section class="card" key={broker.name}>
              <div class="heading">
                <h2>{broker.name}</h2>
                <span class={broker.ready ? 'good' : 'bad'}>{broker.ready ? 'ready' : 'not ready'}</span>
              </div>
              <p class="hint">
                <a href={linkTo('sessions', '', new URLSearchParams({ broker: broker.name }))}>
                  {counted(sessions, 'session')}
                </a>
              </p>
              {broker.nodes.length === 0 ? (
                <Nothing>No session has been opened on any node.</Nothing>
              ) : (
                <table>
                  <thead>
                    <tr>
                      <th scope="col">node</th>
                      <th scope="col" class="number">
                        sessions
                      </th>
                    </tr>
                  </thead>
                  <tbody>
                    {broker.nodes.map((node) => (
                      <tr key={node.url}>
                        <td class="code">{node.url}</td>
                        <td class="number">{count(node.sessions)}</td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              )}
            </section>
          )
        })}
      </div>
    </>
  )
}
