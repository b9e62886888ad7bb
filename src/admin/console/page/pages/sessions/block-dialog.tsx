/** Keeps a person out for a time. */
import { useState } from 'preact/hooks'
import type { Blocked } from '../../api/shapes.ts'
import { Dialog } from '../../parts/dialog.tsx'
import { ChoiceField, TextField } from '../../parts/fields.tsx'
import { counted } from '../../parts/format.ts'
import { useConsole } from '../../state/console-context.ts'

const DURATIONS = [
  ['10m', '10 minutes'],
  ['1h', '1 hour'],
  ['8h', '8 hours'],
  ['1d', '1 day'],
  ['7d', '7 days'],
  ['30d', '30 days'],
  ['365d', '1 year'],
] as const

interface BlockDialogProps {
  /** Absent: to be typed. */
  readonly person?: { readonly subject: string; readonly issuer: string }
  onClose(): void
}

export function BlockDialog({ person, onClose }: BlockDialogProps) {
  const { client, say } = useConsole()
  const [subject, setSubject] = useState(person?.subject ?? '')
  const [issuer, setIssuer] = useState(person?.issuer ?? '')
  const [duration, setDuration] = useState<string>(DURATIONS[0][0])
  const [reason, setReason] = useState('')
  const block = async () => {
    const body = { subject, issuer: issuer === '' ? undefined : issuer, for: duration, reason }
    const { ended } = await client.send<Blocked>('PUT', 'blocks', { body })
    say(`${subject} is blocked; ${counted(ended, 'session')} ended.`)
  }
  return (
    <Dialog
      title={person === undefined ? 'Block somebody' : `Block ${person.subject}`}
      act="Block"
      isDangerous
      onAct={block}
      onClose={onClose}
    >
      <p>Their sessions end now, and they are refused until the time is over.</p>
      {person === undefined && <TextField label="Subject" value={subject} onValue={setSubject} isRequired isFirst />}
      <TextField label="Issuer" hint="Left empty: that subject of every issuer." value={issuer} onValue={setIssuer} />
      <ChoiceField label="For" value={duration} onValue={setDuration} choices={DURATIONS} />
      <TextField
        label="Reason"
        hint="For the audit trail; they do not read it."
        value={reason}
        onValue={setReason}
        maxLength={200}
        isRequired
        isFirst={person !== undefined}
      />
    </Dialog>
  )
}
