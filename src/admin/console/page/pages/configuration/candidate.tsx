/** A configuration that is tried, and not put into force: whose sessions would it end? */
import { useId, useState } from 'preact/hooks'
import { ApiError } from '../../api/client.ts'
import type { ReloadReport } from '../../api/shapes.ts'
import { Trouble } from '../../parts/standing.tsx'
import { useConsole } from '../../state/console-context.ts'
import { Report } from './report.tsx'

export function Candidate() {
  const { client } = useConsole()
  const [text, setText] = useState('')
  const [report, setReport] = useState<ReloadReport | undefined>()
  const [error, setError] = useState<unknown>()
  const id = useId()
  const attempt = async (event: Event) => {
    event.preventDefault()
    setReport(undefined)
    setError(undefined)
    try {
      setReport(await client.send<ReloadReport>('POST', 'reload', { body: { dryRun: true, text } }))
    } catch (failure) {
      setError(failure)
    }
  }
  return (
    <section class="card">
      <h2>Try another</h2>
      <form onSubmit={(event) => void attempt(event)}>
        <label class="hint" for={id}>
          A configuration file. The gateway judges it and changes nothing.
        </label>
        <textarea
          id={id}
          rows={12}
          spellcheck={false}
          value={text}
          required
          onInput={(event) => setText(event.currentTarget.value)}
        />
        <div class="buttons">
          <button type="submit">Try it</button>
        </div>
      </form>
      {error instanceof ApiError && error.errors.length > 0 ? (
        <div role="alert">
          <p class="problem">The gateway would refuse it:</p>
          <ul class="mistakes">
            {error.errors.map((mistake) => (
              <li key={mistake}>{mistake}</li>
            ))}
          </ul>
        </div>
      ) : (
        <Trouble error={error} />
      )}
      {report !== undefined && (
        <div role="status">
          <Report report={report} />
        </div>
      )}
    </section>
  )
}
