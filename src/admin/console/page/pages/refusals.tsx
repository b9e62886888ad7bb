/** Who was not let in, why, and the line that would let them in. */
import type { Refusal } from '../api/shapes.ts'
import { recently } from '../parts/format.ts'
import { Line } from '../parts/line.tsx'
import { Heading, Nothing, NotReached, Trouble } from '../parts/standing.tsx'
import { linkTo } from '../state/address.ts'
import { usePoll } from '../state/poll.ts'
import { useRoute } from '../state/route.ts'

interface RefusalList {
  readonly items: readonly Refusal[]
  readonly notReached: readonly string[]
}

export function Refusals() {
  const { data, error } = usePoll<RefusalList>('refusals', 5_000)
  const wanted = useRoute().query.get('cause') ?? ''
  const items = data?.items ?? []
  const shown = wanted === '' ? items : items.filter(({ cause }) => cause === wanted)
  const causes = [...new Set([...items.map(({ cause }) => cause), ...(wanted === '' ? [] : [wanted])])].sort()
  return (
    <>
      <Heading beside={<span class="hint">the last 200</span>}>Refusals</Heading>
      <Trouble error={error} />
      <NotReached names={data?.notReached} />
      <select
        class="narrow"
        aria-label="Cause"
        value={wanted}
        onChange={({ currentTarget: { value } }) => {
          location.hash = linkTo('refusals', '', new URLSearchParams(value === '' ? {} : { cause: value }))
        }}
      >
        <option value="">every cause</option>
        {causes.map((cause) => (
          <option key={cause} value={cause}>
            {cause}
          </option>
        ))}
      </select>
      {data !== undefined && shown.length === 0 && <Nothing>Nobody was refused.</Nothing>}
      {shown.length > 0 && (
        <ol class="card entries">
          {shown.map((refusal, index) => (
            <Entry key={`${refusal.at} ${shown.length - index}`} refusal={refusal} />
          ))}
        </ol>
      )}
    </>
  )
}

function Entry({
  refusal: { at, cause, subject, issuer, authenticator, address, service, origin, detail, allow },
}: {
  readonly refusal: Refusal
}) {
  return (
    <li>
      <p>
        <time dateTime={at}>{recently(at)}</time> <b>{cause}</b>{' '}
        <span class="hint">
          {subject !== null && `${subject} (${issuer ?? 'no issuer'}) `}
          {/* A gateway of an older version does not say it. */}
          {authenticator != null && `via ${authenticator} `}
          {address !== null && `from ${address} `}
          {service !== null && `at ${service} `}
          {origin !== null && `by ${origin}`}
        </span>
      </p>
      {detail !== null && <p>{detail}</p>}
      {allow !== null && <Line text={allow} />}
    </li>
  )
}
