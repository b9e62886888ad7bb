/** The columns of the list of sessions, by what the API sorts by. */
import type { ComponentChildren } from 'preact'
import type { Session } from '../../api/shapes.ts'
import { bytes, duration, moment } from '../../parts/format.ts'

export interface ColumnOfSessions {
  /** A field of the API. */
  readonly field: string
  readonly title: string
  /** In which order it is looked at first: ages and sizes from the largest. */
  readonly isDescending?: boolean
  /** How wide a list must be for it. */
  readonly since: 'narrow' | 'middle' | 'wide'
  readonly isNumber?: boolean
  show(session: Session, nowMs: number): ComponentChildren
}

export const COLUMNS: readonly ColumnOfSessions[] = [
  { field: 'subject', title: 'subject', since: 'narrow', show: ({ subject }) => subject },
  { field: 'issuer', title: 'issuer', since: 'wide', show: ({ issuer }) => issuer },
  { field: 'user', title: 'broker user', since: 'narrow', show: ({ user }) => user },
  { field: 'service', title: 'service', since: 'middle', show: ({ service }) => service },
  { field: 'vhost', title: 'vhost', since: 'wide', show: ({ vhost }) => vhost ?? '–' },
  { field: 'address', title: 'address', since: 'middle', show: ({ address }) => address },
  {
    field: 'openedAt',
    title: 'open for',
    isNumber: true,
    since: 'narrow',
    show: ({ openedAt }, nowMs) => (
      <time dateTime={openedAt} title={moment(openedAt)}>
        {duration(nowMs - Date.parse(openedAt))}
      </time>
    ),
  },
  {
    field: 'bytesFromClient',
    title: 'received',
    isDescending: true,
    isNumber: true,
    since: 'middle',
    show: ({ bytesFromClient }) => bytes(bytesFromClient),
  },
  {
    field: 'bytesToClient',
    title: 'sent',
    isDescending: true,
    isNumber: true,
    since: 'middle',
    show: ({ bytesToClient }) => bytes(bytesToClient),
  },
]
