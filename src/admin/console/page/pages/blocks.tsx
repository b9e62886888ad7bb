/** Who is kept out, until when and why. */
import { useState } from 'preact/hooks'
import type { Block } from '../api/shapes.ts'
import { Dialog } from '../parts/dialog.tsx'
import { moment } from '../parts/format.ts'
import { Heading, Nothing, Trouble } from '../parts/standing.tsx'
import { useConsole } from '../state/console-context.ts'
import { usePoll } from '../state/poll.ts'
import { BlockDialog } from './sessions/block-dialog.tsx'

type Open = { readonly what: 'block' } | { readonly what: 'lift'; readonly block: Block }

export function Blocks() {
  const { data, error, refresh } = usePoll<{ readonly items: readonly Block[] }>('blocks', 5_000)
  const [open, setOpen] = useState<Open | undefined>()
  const close = () => {
    setOpen(undefined)
    refresh()
  }
  return (
    <>
      <Heading
        beside={
          <button type="button" onClick={() => setOpen({ what: 'block' })}>
            Block somebody …
          </button>
        }
      >
        Blocks
      </Heading>
      <Trouble error={error} />
      {data !== undefined && data.items.length === 0 && <Nothing>Nobody is blocked.</Nothing>}
      {data !== undefined && data.items.length > 0 && (
        <section class="card scroll" aria-label="Blocks">
          <table>
            <thead>
              <tr>
                <th scope="col">subject</th>
                <th scope="col">issuer</th>
                <th scope="col">until</th>
                <th scope="col">reason</th>
                <th scope="col">by</th>
                <th scope="col">
                  <span class="unseen">what can be done</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {data.items.map((block) => (
                <tr key={block.id}>
                  <td>{block.subject}</td>
                  <td>{block.issuer ?? <span class="hint">any</span>}</td>
                  <td>{moment(block.until)}</td>
                  <td>{block.reason}</td>
                  <td>{block.by}</td>
                  <td>
                    <button
                      type="button"
                      aria-label={`Lift the block of ${block.subject}`}
                      onClick={() => setOpen({ what: 'lift', block })}
                    >
                      Lift …
                    </button>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
      {open?.what === 'block' && <BlockDialog onClose={close} />}
      {open?.what === 'lift' && <LiftDialog block={open.block} onClose={close} />}
    </>
  )
}

function LiftDialog({ block, onClose }: { readonly block: Block; onClose(): void }) {
  const { client, say } = useConsole()
  const lift = async () => {
    await client.send('DELETE', `blocks/${block.id}`)
    say(`${block.subject} may connect again.`)
  }
  return (
    <Dialog title={`Let ${block.subject} in again?`} act="Lift the block" onAct={lift} onClose={onClose}>
      <p>
        {block.by} blocked {block.subject} until {moment(block.until)}: {block.reason}
      </p>
    </Dialog>
  )
}
