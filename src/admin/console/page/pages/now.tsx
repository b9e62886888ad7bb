/** The gateway at a glance, each number with its last hour. */
import { Chart } from '../parts/chart.tsx'
import { count } from '../parts/format.ts'
import { Heading, Nothing, Trouble } from '../parts/standing.tsx'
import { linkTo } from '../state/address.ts'
import { nodeMeasure } from '../state/measures.ts'
import { useWatch } from '../state/watch.ts'

export function Now() {
  const { overview, error, history } = useWatch()
  const { times } = history
  if (overview === undefined)
    return (
      <>
        <Heading>Now</Heading>
        {error === undefined ? <Nothing>Asking the gateway …</Nothing> : <Trouble error={error} />}
      </>
    )
  const nodes = overview.brokers.flatMap(({ name, nodes: all }) =>
    all.map(({ url }) => ({ name: url, column: history.column(nodeMeasure(name, url)) })),
  )
  return (
    <>
      <Heading>Now</Heading>
      <Trouble error={error} />
      <div class="cards">
        <section class="card">
          <Chart
            title="Sessions"
            times={times}
            lines={[{ name: 'sessions', column: history.column('sessions') }]}
            format={count}
          />
        </section>
        <section class="card">
          <Chart title="Sessions of each broker node" times={times} lines={nodes} format={count} />
        </section>
        <section class="card">
          <h3>Services</h3>
          <table>
            <thead>
              <tr>
                <th scope="col">service</th>
                <th scope="col" class="number">
                  sessions
                </th>
              </tr>
            </thead>
            <tbody>
              {overview.services.map(({ path, sessions }) => (
                <tr key={path}>
                  <td>
                    <a href={linkTo('sessions', '', new URLSearchParams({ service: path }))}>{path}</a>
                  </td>
                  <td class="number">{count(sessions)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      </div>
    </>
  )
}
