/** What is in force, what another configuration would change, and the reload. */
import { useState } from 'preact/hooks'
import type { Configuration as InForce } from '../../api/shapes.ts'
import { Heading, Trouble } from '../../parts/standing.tsx'
import { usePoll } from '../../state/poll.ts'
import { Candidate } from './candidate.tsx'
import { ReloadDialog } from './reload-dialog.tsx'

export function Configuration() {
  const { data, error, refresh } = usePoll<InForce>('config', 10_000)
  const [isReloading, setReloading] = useState(false)
  return (
    <>
      <Heading
        beside={
          data !== undefined && (
            <button type="button" onClick={() => setReloading(true)}>
              Reload …
            </button>
          )
        }
      >
        Configuration
      </Heading>
      <Trouble error={error} />
      {data !== undefined && (
        <div class="cards two">
          <section class="card">
            <h2>In force</h2>
            <p class="hint">
              generation {data.generation}, hash <code>{data.hash.slice(0, 16)}</code>; secrets are left out
            </p>
            <textarea
              class="text"
              readOnly
              rows={28}
              aria-label="The configuration in force"
              value={JSON.stringify(data.config, undefined, 2)}
            />
          </section>
          <Candidate />
        </div>
      )}
      {isReloading && data !== undefined && (
        <ReloadDialog
          hash={data.hash}
          onClose={() => {
            setReloading(false)
            refresh()
          }}
        />
      )}
    </>
  )
}
