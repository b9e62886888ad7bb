/** What the rules of today mean for one session: its limits, its permissions, and what it was refused. */
import type { SessionDetail } from '../../api/shapes.ts'
import { count, recently } from '../../parts/format.ts'
import { Line } from '../../parts/line.tsx'
import { Nothing } from '../../parts/standing.tsx'

export function LimitsInUse({ limits }: Pick<SessionDetail, 'limits'>) {
  const entries = Object.entries(limits ?? {})
  return (
    <section>
      <h3>Limits</h3>
      {limits === null && <Nothing>The rules of today would not let this session begin.</Nothing>}
      {limits !== null && entries.length === 0 && <Nothing>None.</Nothing>}
      {entries.length > 0 && (
        <dl class="facts limits">
          {entries.map(([name, { used, of }]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>
                {used === null ? (
                  `at most ${count(of)}`
                ) : (
                  <>
                    <meter min={0} max={of} high={of * 0.8} value={used} aria-label={`${name}: ${used} of ${of}`} />{' '}
                    {count(used)} of {count(of)}
                  </>
                )}
              </dd>
            </div>
          ))}
        </dl>
      )}
    </section>
  )
}

export function PermissionsInForce({ permissions }: Pick<SessionDetail, 'permissions'>) {
  return (
    <section>
      <h3>Permissions in force</h3>
      {permissions === null && <Nothing>None are written: the broker decides.</Nothing>}
      {permissions?.length === 0 && <Nothing>None: everything is refused.</Nothing>}
      {permissions !== null && permissions.length > 0 && (
        <ul class="permissions">
          {permissions.map(({ permission, kind, name, routingKey, place }) => (
            <li key={place}>
              <b>{permission}</b> {kind} <code>{name === '' ? '(named by the broker)' : name}</code>
              {routingKey !== null && (
                <>
                  {' '}
                  key <code>{routingKey}</code>
                </>
              )}{' '}
              <span class="hint">{place}</span>
            </li>
          ))}
        </ul>
      )}
    </section>
  )
}

export function RefusedMethods({ refusals }: Pick<SessionDetail, 'refusals'>) {
  return (
    <section>
      <h3>Last refused</h3>
      {refusals.length === 0 ? (
        <Nothing>Nothing.</Nothing>
      ) : (
        <ol class="entries">
          {refusals.map(({ at, event, method, detail, allow }, index) => (
            <li key={`${at} ${refusals.length - index}`}>
              <p>
                <time dateTime={at}>{recently(at)}</time> <b>{method ?? event}</b> {detail}
              </p>
              {allow !== null && <Line text={allow} />}
            </li>
          ))}
        </ol>
      )}
    </section>
  )
}
