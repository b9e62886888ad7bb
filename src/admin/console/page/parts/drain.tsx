/** Sends everybody to another gateway, and takes sessions again: for whoever may. */
import { useState } from 'preact/hooks'
import { useConsole, useMay } from '../state/console-context.ts'
import { useWatch } from '../state/watch.ts'
import { Dialog } from './dialog.tsx'
import { ChoiceField } from './fields.tsx'

const TIMES = [
  ['10s', '10 seconds'],
  ['1m', '1 minute'],
  ['5m', '5 minutes'],
  ['15m', '15 minutes'],
] as const

export function Drain() {
  const { overview } = useWatch()
  const [isOpen, setOpen] = useState(false)
  const may = useMay('operator')
  if (!may || overview === undefined) return null
  const { draining } = overview
  const close = () => setOpen(false)
  return (
    <>
      <button type="button" onClick={() => setOpen(true)}>
        {draining ? 'Take sessions again …' : 'Drain …'}
      </button>
      {isOpen && (draining ? <UndrainDialog onClose={close} /> : <DrainDialog onClose={close} />)}
    </>
  )
}

function DrainDialog({ onClose }: { onClose(): void }) {
  const { client, say } = useConsole()
  const [over, setOver] = useState<string>(TIMES[0][0])
  const drain = async () => {
    await client.send('POST', 'drain', { body: { over } })
    say('The gateway drains.')
  }
  return (
    <Dialog title="Drain this gateway" act="Drain" isDangerous onAct={drain} onClose={onClose}>
      <p>It takes no more sessions and ends those it has, each at a quiet point. It goes on running.</p>
      <ChoiceField label="Over" value={over} onValue={setOver} choices={TIMES} />
    </Dialog>
  )
}

function UndrainDialog({ onClose }: { onClose(): void }) {
  const { client, say } = useConsole()
  const undrain = async () => {
    await client.send('DELETE', 'drain')
    say('The gateway takes sessions again.')
  }
  return (
    <Dialog title="Take sessions again" act="Take sessions" onAct={undrain} onClose={onClose}>
      <p>Sessions that have not ended yet stay.</p>
    </Dialog>
  )
}
