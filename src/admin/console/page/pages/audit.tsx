/** What happens, as it happens: sessions, refusals, and what people who manage the gateway do. */
import { useState } from 'preact/hooks'
import { recently } from '../parts/format.ts'
import { Heading, Nothing, Trouble } from '../parts/standing.tsx'
import { type SeenEvent, useLiveEvents } from '../state/live-events.ts'

/** Which events a choice means. */
const KINDS: readonly (readonly [name: string, title: string, means: (event: string) => boolean])[] = [
  ['all', 'everything', () => true],
  ['admin', 'people who manage', (event) => event.startsWith('admin.')],
  ['session', 'sessions', (event) => event.startsWith('session.')],
  ['refusal', 'refusals', (event) => event.includes('refus')],
  ['gateway', 'gateway and brokers', (event) => /^(?:reload|broker-node|gateway|config)/.test(event)],
]

export function Audit() {
  const [isPaused, setPaused] = useState(false)
  const [kind, setKind] = useState('all')
  const { events, error } = useLiveEvents(isPaused)
  const means = KINDS.find(([name]) => name === kind)?.[2] ?? (() => true)
  const shown = events.filter(({ event }) => means(event))
  return (
    <>
      <Heading
        beside={
          <button type="button" aria-pressed={isPaused} onClick={() => setPaused(!isPaused)}>
            {isPaused ? 'Paused' : 'Pause'}
          </button>
        }
      >
        Audit
      </Heading>
      <Trouble error={error} />
      <select
        class="narrow"
        aria-label="Events of"
        value={kind}
        onChange={(event) => setKind(event.currentTarget.value)}
      >
        {KINDS.map(([name, title]) => (
          <option key={name} value={name}>
            {title}
          </option>
        ))}
      </select>
      {shown.length === 0 ? (
        <Nothing>Nothing has happened since you came here. The page shows the last 500 events from now on.</Nothing>
      ) : (
        <ol class="card entries">
          {shown.map((event) => (
            <Entry key={event.count} event={event} />
          ))}
        </ol>
      )}
    </>
  )
}

function Entry({ event: { event, data } }: { readonly event: SeenEvent }) {
  const { at, ...fields } = data
  return (
    <li>
      <p>
        {typeof at === 'string' && <time dateTime={at}>{recently(at)}</time>} <b>{event}</b>
      </p>
      <ul class="fields">
        {Object.entries(fields)
          .filter(([, value]) => value !== null)
          .map(([name, value]) => (
            <li key={name}>
              <span class="hint">{name}</span> {typeof value === 'string' ? value : JSON.stringify(value)}
            </li>
          ))}
      </ul>
    </li>
  )
}
