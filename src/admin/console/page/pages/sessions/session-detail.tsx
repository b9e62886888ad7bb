/** One session: who it is to whom, what it did, and its end. */
import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { ApiError } from '../../api/client.ts'
import type { SessionDetail as Detail, RulesOfService } from '../../api/shapes.ts'
import { conditionsText } from '../../parts/conditions.ts'
import { bytes, count, counted, duration, moment, short } from '../../parts/format.ts'
import { Nothing, Trouble } from '../../parts/standing.tsx'
import { useMay } from '../../state/console-context.ts'
import { usePoll } from '../../state/poll.ts'
import { BlockDialog } from './block-dialog.tsx'
import { LimitsInUse, PermissionsInForce, RefusedMethods } from './in-force.tsx'
import { KickDialog } from './kick-dialog.tsx'

interface SessionDetailProps {
  readonly id: string
  /** Where closing it leads. */
  readonly back: string
}

export function SessionDetail({ id, back }: SessionDetailProps) {
  const { data, error, refresh } = usePoll<Detail>(`sessions/${encodeURIComponent(id)}`, 5_000)
  const isOver = error instanceof ApiError && error.status === 404
  return (
    <aside class="detail card" aria-label="Session">
      <div class="heading">
        <h2>{data?.subject ?? 'Session'}</h2>
        <a class="button" href={back}>
          Close
        </a>
      </div>
      {isOver ? <Nothing>This session is over.</Nothing> : <Trouble error={error} />}
      {data !== undefined && (
        <>
          {!isOver && <Acts session={data} onDone={refresh} />}
          <Chain session={data} />
          <Facts session={data} />
          <LimitsInUse limits={data.limits} />
          <PermissionsInForce permissions={data.permissions} />
          <RefusedMethods refusals={data.refusals} />
        </>
      )}
    </aside>
  )
}

function Acts({ session, onDone }: { readonly session: Detail; onDone(): void }) {
  const [open, setOpen] = useState<'kick' | 'block' | undefined>()
  const may = useMay('operator')
  if (!may) return null
  const close = () => {
    setOpen(undefined)
    onDone()
  }
  return (
    <div class="buttons">
      <button type="button" onClick={() => setOpen('kick')}>
        End session …
      </button>
      <button type="button" onClick={() => setOpen('block')}>
        Block person …
      </button>
      {open === 'kick' && (
        <KickDialog conditions={[{ filter: 'session', value: session.id }]} session={session} onClose={close} />
      )}
      {open === 'block' && <BlockDialog person={session} onClose={close} />}
    </div>
  )
}

/** From the proof to the broker. */
function Chain({ session }: { readonly session: Detail }) {
  const { subject, issuer, authenticator, service, rule: index, user, broker, vhost } = session
  const { data } = usePoll<{ readonly items: readonly RulesOfService[] }>('rules', 60_000)
  const rule = data?.items.find((one) => one.service === service)?.rules[index]
  return (
    <ol class="chain">
      <li>
        <h3>proved to be</h3>
        <p class="name">{subject}</p>
        <p class="hint">
          by {authenticator}, issuer {issuer}
        </p>
      </li>
      <li>
        <h3>promoted by</h3>
        <p class="name">rule {index}</p>
        <p class="hint">{rule === undefined ? service : conditionsText(rule.when)}</p>
      </li>
      <li>
        <h3>the broker sees</h3>
        <p class="name">{user}</p>
        <p class="hint">
          {broker}, vhost {vhost ?? 'not opened yet'}
        </p>
      </li>
    </ol>
  )
}

function Facts({ session }: { readonly session: Detail }) {
  const { client } = session
  const opened = Date.parse(session.openedAt)
  const facts: readonly (readonly [string, ComponentChildren])[] = [
    ['id', <code key="id">{session.id}</code>],
    ['roles', session.roles.length === 0 ? 'none' : session.roles.join(', ')],
    ['service', session.service],
    ['broker node', session.node ?? 'not opened yet'],
    ['address', session.address],
    ...(session.replica === null ? [] : [['gateway', session.replica] as const]),
    ['opened', `${moment(opened)} (${duration(Date.now() - opened)} ago)`],
    ['proof ends', session.expiresAt === null ? 'never' : moment(session.expiresAt)],
    ['client', client === null ? 'not known yet' : `${client.product} ${client.version}`],
    ['connection', client?.connectionName === undefined || client.connectionName === '' ? '–' : client.connectionName],
    ['channels', `${count(session.channels)}, with ${counted(session.consumers, 'consumer')}`],
    ['received', `${counted(session.messagesFromClient, 'message')}, ${bytes(session.bytesFromClient)}`],
    ['now receives', rateText(session.rates?.messagesFromClient, session.rates?.bytesFromClient)],
    ['sent', `${counted(session.messagesToClient, 'message')}, ${bytes(session.bytesToClient)}`],
    ['now sends', rateText(session.rates?.messagesToClient, session.rates?.bytesToClient)],
  ]
  return (
    <dl class="facts">
      {facts.map(([term, value]) => (
        <div key={term}>
          <dt>{term}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  )
}

/** Undefined: the gateway cannot tell yet. */
function rateText(messages: number | undefined, carried: number | undefined): string {
  return messages === undefined || carried === undefined ? '…' : `${short(messages)} messages/s, ${bytes(carried)}/s`
}
