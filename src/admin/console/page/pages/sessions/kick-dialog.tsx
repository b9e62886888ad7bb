/** Ends sessions: one, or all that match. */
import { useEffect, useState } from 'preact/hooks'
import type { Kicked, Session } from '../../api/shapes.ts'
import { Dialog } from '../../parts/dialog.tsx'
import { ChoiceField, TextField } from '../../parts/fields.tsx'
import { counted } from '../../parts/format.ts'
import { Trouble } from '../../parts/standing.tsx'
import { useConsole } from '../../state/console-context.ts'
import { type Condition, FILTER_NAMES, matchOf } from '../../state/filters.ts'

const HOLDS = [
  ['0s', 'at once'],
  ['30s', 'after 30 seconds'],
  ['5m', 'after 5 minutes'],
  ['15m', 'after 15 minutes'],
  ['1h', 'after 1 hour'],
] as const

const RATES = [
  ['', 'all at once'],
  ['10', '10 a second'],
  ['50', '50 a second'],
  ['200', '200 a second'],
] as const

interface KickDialogProps {
  readonly conditions: readonly Condition[]
  /** The only one that is meant, where it is one. */
  readonly session?: Session
  onClose(): void
}

export function KickDialog({ conditions, session, onClose }: KickDialogProps) {
  const { client, say } = useConsole()
  const [reason, setReason] = useState('')
  const [hold, setHold] = useState<string>('30s')
  const [rate, setRate] = useState<string>('')
  const { matched, error } = useMatched(session === undefined ? conditions : undefined)
  const kick = async () => {
    const body = {
      match: matchOf(conditions),
      reason: reason === '' ? undefined : reason,
      hold,
      perSecond: rate === '' ? undefined : Number(rate),
    }
    const { ended, notReached } = await client.send<Kicked>('POST', 'kick', { body })
    const rest = notReached.length === 0 ? '' : ` Not reached: ${notReached.join(', ')}.`
    say(`${counted(ended, 'session')} ended.${rest}`)
  }
  const title =
    session === undefined ? `End ${counted(matched ?? 0, 'session')}` : `End the session of ${session.subject}`
  return (
    <Dialog title={title} act="End" isDangerous onAct={kick} onClose={onClose}>
      {session === undefined && (
        <ul class="chips">
          {conditions.map(({ filter, value }) => (
            <li class="chip" key={`${filter} ${value}`}>
              {FILTER_NAMES[filter]} <b>{value}</b>
            </li>
          ))}
        </ul>
      )}
      <Trouble error={error} />
      <TextField
        label="Reason"
        hint="The client reads it."
        value={reason}
        onValue={setReason}
        maxLength={200}
        isFirst
      />
      <ChoiceField label="They may return" value={hold} onValue={setHold} choices={HOLDS} />
      {session === undefined && <ChoiceField label="Pace" value={rate} onValue={setRate} choices={RATES} />}
    </Dialog>
  )
}

/** How many are meant; asked without ending any. @param conditions none: there is nothing to ask */
function useMatched(conditions: readonly Condition[] | undefined) {
  const { client } = useConsole()
  const [state, setState] = useState<{ matched?: number; error?: unknown }>({})
  useEffect(() => {
    if (conditions === undefined) return
    const body = { match: matchOf(conditions), dryRun: true }
    client.send<Kicked>('POST', 'kick', { body }).then(
      ({ matched }) => setState({ matched }),
      (error: unknown) => setState({ error }),
    )
  }, [client, conditions])
  return state
}
