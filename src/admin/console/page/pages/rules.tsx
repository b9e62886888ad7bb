/** How often each promotion rule and permission applied to somebody, and which never did. */
import type { RulesOfService, Tally } from '../api/shapes.ts'
import { conditionsText } from '../parts/conditions.ts'
import { count, recently } from '../parts/format.ts'
import { Heading, Nothing, Trouble } from '../parts/standing.tsx'
import { usePoll } from '../state/poll.ts'

export function Rules() {
  const { data, error } = usePoll<{ readonly items: readonly RulesOfService[] }>('rules', 5_000)
  return (
    <>
      <Heading>Rules</Heading>
      <Trouble error={error} />
      {data?.items.map(({ service, rules, permissions }) => (
        <section class="card" key={service}>
          <h2>{service}</h2>
          <Tallies title="Promotion rules" tallies={rules} effectOf={(index) => rules[index]?.effect} />
          {permissions.length === 0 ? (
            <Nothing>No permissions: the broker decides.</Nothing>
          ) : (
            <Tallies title="Permissions" tallies={permissions} />
          )}
        </section>
      ))}
    </>
  )
}

interface TalliesProps {
  readonly title: string
  readonly tallies: readonly Tally[]
  effectOf?(index: number): string | undefined
}

function Tallies({ title, tallies, effectOf }: TalliesProps) {
  return (
    <table class="tallies">
      <caption>{title}</caption>
      <thead>
        <tr>
          <th scope="col" class="number">
            no.
          </th>
          <th scope="col">whom</th>
          {effectOf !== undefined && <th scope="col">effect</th>}
          <th scope="col" class="number">
            hits
          </th>
          <th scope="col">last</th>
        </tr>
      </thead>
      <tbody>
        {tallies.map(({ index, when, hits, since, lastAt }) => (
          <tr key={index}>
            <td class="number">{index}</td>
            <td>{conditionsText(when)}</td>
            {effectOf !== undefined && <td>{effectOf(index)}</td>}
            <td class="number">{count(hits)}</td>
            <td>{lastAt === null ? <span class="bad">never since {recently(since)}</span> : recently(lastAt)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
