/** What a reload would mean. */
import type { ReloadReport } from '../../api/shapes.ts'
import { count } from '../../parts/format.ts'

export function Report({ report: { changes, sessions, examples = [] } }: { readonly report: ReloadReport }) {
  return (
    <>
      <p>{changes.length === 0 ? 'Nothing differs from what is in force.' : 'These places differ:'}</p>
      {changes.length > 0 && (
        <ul class="changes">
          {changes.map((place) => (
            <li key={place}>
              <code>{place}</code>
            </li>
          ))}
        </ul>
      )}
      <dl class="figures">
        <div>
          <dt>sessions stay</dt>
          <dd>{count(sessions.kept)}</dd>
        </div>
        <div>
          <dt>follow other terms</dt>
          <dd>{count(sessions.changed)}</dd>
        </div>
        <div class={sessions.ended > 0 ? 'bad' : ''}>
          <dt>end</dt>
          <dd>{count(sessions.ended)}</dd>
        </div>
      </dl>
      {examples.length > 0 && (
        <table>
          <caption>Sessions that would end</caption>
          <thead>
            <tr>
              <th scope="col">subject</th>
              <th scope="col">service</th>
              <th scope="col">why</th>
            </tr>
          </thead>
          <tbody>
            {examples.map(({ session, subject, service, why }) => (
              <tr key={session}>
                <td>{subject}</td>
                <td>{service}</td>
                <td>{why}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </>
  )
}
