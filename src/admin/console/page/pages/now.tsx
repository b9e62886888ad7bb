/** The gateway at a glance, each number with its last hour. */
import type { Overview, Sample } from '../api/shapes.ts'
import { Chart, type Line } from '../parts/chart.tsx'
import { Drain } from '../parts/drain.tsx'
import { bytes, count, short } from '../parts/format.ts'
import { Heading, Nothing, NotReached, Trouble } from '../parts/standing.tsx'
import { linkTo } from '../state/address.ts'
import { nodeMeasure } from '../state/measures.ts'
import { usePoll } from '../state/poll.ts'
import { useWatch } from '../state/watch.ts'

/** Samples are of ten seconds. */
const EVERY_MS = 10_000
const SAMPLES_A_MINUTE = 6
/** As many as a chart has colours. */
const MOST_CAUSES = 4

export function Now() {
  const { overview, error, history } = useWatch()
  const { data } = usePoll<{ readonly items: readonly Sample[] }>('history', EVERY_MS)
  if (overview === undefined)
    return (
      <>
        <Heading>Now</Heading>
        {error === undefined ? <Nothing>Asking the gateway …</Nothing> : <Trouble error={error} />}
      </>
    )
  const nodes = overview.brokers.flatMap(({ name: broker, nodes: all }) =>
    all.map(({ name, url }) => ({ name, column: history.column(nodeMeasure(broker, url)) })),
  )
  return (
    <>
      <Heading beside={<Drain />}>Now</Heading>
      <Trouble error={error} />
      {overview.audit === 'failing' && (
        <p class="problem" role="alert">
          Nothing can be recorded: services with audit.onFailure: refuse refuse everybody.
        </p>
      )}
      <NotReached names={overview.notReached} />
      <div class="cards">
        <SampleCharts samples={data?.items ?? []} />
        <section class="card">
          <Chart title="Sessions of each broker node" times={history.times} lines={nodes} format={count} />
        </section>
        <Services services={overview.services} />
        <Gateways overview={overview} />
        <Causes samples={data?.items ?? []} />
      </div>
    </>
  )
}

function SampleCharts({ samples }: { readonly samples: readonly Sample[] }) {
  const times = samples.map(({ at }) => Date.parse(at) / 1000)
  const line = (name: string, value: (sample: Sample) => number): Line => ({ name, column: samples.map(value) })
  const causes = totalsOf(samples)
    .slice(0, MOST_CAUSES)
    .map(([cause]) => line(cause, ({ refusals }) => (refusals[cause] ?? 0) * SAMPLES_A_MINUTE))
  const charts: readonly (readonly [title: string, lines: readonly Line[], format: (value: number) => string])[] = [
    ['Sessions', [line('sessions', ({ sessions }) => sessions)], count],
    ['Sessions per second', [line('opened', ({ opened }) => opened), line('ended', ({ ended }) => ended)], short],
    [
      'Bytes per second',
      [
        line('from clients', ({ bytesFromClient }) => bytesFromClient),
        line('to clients', ({ bytesToClient }) => bytesToClient),
      ],
      bytes,
    ],
    [
      'Messages per second',
      [
        line('from clients', ({ messagesFromClient }) => messagesFromClient),
        line('to clients', ({ messagesToClient }) => messagesToClient),
      ],
      short,
    ],
    ['Refusals per minute', causes.length > 0 ? causes : [line('refused', () => 0)], short],
    ['Event loop, longest delay', [line('delay', ({ eventLoopDelay }) => eventLoopDelay)], (ms) => `${short(ms)} ms`],
  ]
  return (
    <>
      {charts.map(([title, lines, format]) => (
        <section class="card" key={title}>
          <Chart title={title} times={times} lines={lines} format={format} />
        </section>
      ))}
    </>
  )
}

function Services({
  services,
}: {
  readonly services: readonly { readonly path: string; readonly sessions: number }[]
}) {
  return (
    <section class="card">
      <h2>Services</h2>
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
          {services.map(({ path, sessions }) => (
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
  )
}

/** Nothing where there is only this one. */
function Gateways({ overview: { replicas, hash } }: { readonly overview: Overview }) {
  if (replicas !== null && replicas.length === 0) return null
  return (
    <section class="card">
      <h2>Gateways</h2>
      {replicas === null && <Nothing>Unknown: the store of `state` is away.</Nothing>}
      {replicas !== null && (
        <table>
          <thead>
            <tr>
              <th scope="col">gateway</th>
              <th scope="col">version</th>
              <th scope="col">configuration</th>
              <th scope="col" class="number">
                sessions
              </th>
            </tr>
          </thead>
          <tbody>
            {replicas.map((one) => (
              <tr key={one.name}>
                <td>
                  <a href={linkTo('sessions', '', new URLSearchParams({ replica: one.name }))}>{one.name}</a>
                </td>
                <td>{one.version}</td>
                <td class={one.hash === hash ? 'good' : 'bad'}>
                  {one.hash === hash ? 'the same' : 'differs'}, generation {one.generation}
                </td>
                <td class="number">{count(one.sessions)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  )
}

function Causes({ samples }: { readonly samples: readonly Sample[] }) {
  const totals = totalsOf(samples)
  return (
    <section class="card">
      <h2>Refusals of the last hour</h2>
      {totals.length === 0 ? (
        <Nothing>Nobody was refused.</Nothing>
      ) : (
        <table>
          <thead>
            <tr>
              <th scope="col">cause</th>
              <th scope="col" class="number">
                refusals
              </th>
            </tr>
          </thead>
          <tbody>
            {totals.map(([cause, total]) => (
              <tr key={cause}>
                <td>
                  <a href={linkTo('refusals', '', new URLSearchParams({ cause }))}>{cause}</a>
                </td>
                <td class="number">{count(total)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  )
}

/** The most frequent cause first. */
function totalsOf(samples: readonly Sample[]): readonly (readonly [cause: string, total: number])[] {
  const totals = new Map<string, number>()
  for (const { refusals } of samples)
    for (const [cause, refused] of Object.entries(refusals)) totals.set(cause, (totals.get(cause) ?? 0) + refused)
  return [...totals].sort(([, one], [, other]) => other - one)
}
