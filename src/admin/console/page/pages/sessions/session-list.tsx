/**
 * All sessions in one list. Only rows that can be seen are in the document, so that it scrolls as well with ten thousand as
 * with ten; the arrow keys go through all of them.
 */
import { useEffect, useRef, useState } from 'preact/hooks'
import type { Session } from '../../api/shapes.ts'
import { counted } from '../../parts/format.ts'
import { linkTo } from '../../state/address.ts'
import type { SessionPages } from '../../state/session-pages.ts'
import { COLUMNS, type ColumnOfSessions } from './columns.tsx'

/** As in the style sheet. */
const ROW_PX = 32
/** Beyond what is seen: so that nothing is bare while one scrolls. */
const MORE_ROWS = 8

interface SessionListProps {
  readonly pages: SessionPages
  /** A field, with `-` before it for the opposite order. */
  readonly sort: string
  onSort(sort: string): void
  readonly query: URLSearchParams
  /** The session that is shown beside the list. */
  readonly chosen: string
}

export function SessionList({ pages, sort, onSort, query, chosen }: SessionListProps) {
  const scroller = useRef<HTMLElement>(null)
  const { first, last } = useWindow(scroller)
  const total = pages.total ?? 0
  const end = Math.min(total, last)
  useEffect(() => pages.want(first, Math.max(first, last - 1)), [pages, first, last])
  const nowMs = Date.now()
  const rows = Array.from({ length: Math.max(0, end - first) }, (_, index) => first + index)

  /** The row in focus may leave the document while one scrolls: the list itself keeps the focus then. */
  const move = (event: KeyboardEvent) => {
    const element = scroller.current
    if (element === null) return
    const row = Number(document.activeElement?.closest('tr')?.getAttribute('aria-rowindex') ?? 1) - 2
    const page = Math.max(1, Math.floor(element.clientHeight / ROW_PX) - 2)
    const to = nextRow(event.key, row, page, total)
    if (to === undefined) return
    event.preventDefault()
    const [top, bottom] = [to * ROW_PX, (to + 2) * ROW_PX]
    if (top < element.scrollTop) element.scrollTop = top
    else if (bottom > element.scrollTop + element.clientHeight) element.scrollTop = bottom - element.clientHeight
    focusRow(element, to)
  }

  return (
    <section class="rows" aria-label="List of sessions" ref={scroller} onKeyDown={move}>
      <div style={{ paddingTop: `${first * ROW_PX}px`, paddingBottom: `${Math.max(0, total - end) * ROW_PX}px` }}>
        <table aria-rowcount={total + 1}>
          <caption class="unseen">{counted(total, 'session')}</caption>
          <thead>
            <tr aria-rowindex={1}>
              {COLUMNS.map((column) => (
                <Head key={column.field} column={column} sort={sort} onSort={onSort} />
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <Row key={row} row={row} session={pages.at(row)} nowMs={nowMs} query={query} chosen={chosen} />
            ))}
          </tbody>
        </table>
      </div>
    </section>
  )
}

/** The rows that can be seen, and some more. */
function useWindow(scroller: { readonly current: HTMLElement | null }) {
  const [rows, setRows] = useState({ first: 0, last: 40 })
  useEffect(() => {
    const element = scroller.current
    if (element === null) return
    const look = () => {
      const first = Math.max(0, Math.floor(element.scrollTop / ROW_PX) - MORE_ROWS)
      const last = Math.ceil((element.scrollTop + element.clientHeight) / ROW_PX) + MORE_ROWS
      setRows((before) => (before.first === first && before.last === last ? before : { first, last }))
    }
    element.addEventListener('scroll', look, { passive: true })
    const resized = new ResizeObserver(look)
    resized.observe(element)
    return () => {
      element.removeEventListener('scroll', look)
      resized.disconnect()
    }
  }, [scroller])
  return rows
}

function nextRow(key: string, row: number, page: number, total: number): number | undefined {
  const steps: Readonly<Record<string, number>> = {
    ArrowDown: row + 1,
    ArrowUp: row - 1,
    PageDown: row + page,
    PageUp: row - page,
    Home: 0,
    End: total - 1,
  }
  const to = steps[key]
  return to === undefined || total === 0 ? undefined : Math.min(total - 1, Math.max(0, to))
}

/** As soon as it is in the document: after the next picture at the latest, once its page is there. */
function focusRow(element: HTMLElement, row: number, attempts = 60): void {
  const link = element.querySelector<HTMLElement>(`tr[aria-rowindex="${row + 2}"] a`)
  if (link !== null) link.focus({ preventScroll: true })
  else if (attempts > 0) requestAnimationFrame(() => focusRow(element, row, attempts - 1))
}

interface HeadProps extends Pick<SessionListProps, 'sort' | 'onSort'> {
  readonly column: ColumnOfSessions
}

function Head({ column: { field, title, isDescending = false, isNumber, since }, sort, onSort }: HeadProps) {
  const isSorted = sort.replace(/^-/, '') === field
  const isDown = isSorted ? sort.startsWith('-') : isDescending
  const next = isSorted ? !isDown : isDescending
  return (
    <th
      scope="col"
      class={classesOf(since, isNumber)}
      aria-sort={isSorted ? (isDown ? 'descending' : 'ascending') : undefined}
    >
      <button type="button" onClick={() => onSort(next ? `-${field}` : field)}>
        {title}
        <span class="arrow" aria-hidden="true">
          {isSorted ? (isDown ? ' ↓' : ' ↑') : ''}
        </span>
      </button>
    </th>
  )
}

interface RowProps extends Pick<SessionListProps, 'query' | 'chosen'> {
  /** From 0. */
  readonly row: number
  /** Undefined: on its way. */
  readonly session: Session | undefined
  readonly nowMs: number
}

function Row({ row, session, nowMs, query, chosen }: RowProps) {
  if (session === undefined)
    return (
      <tr aria-rowindex={row + 2} aria-busy="true">
        <td colSpan={COLUMNS.length} class="hint">
          …
        </td>
      </tr>
    )
  const [{ show: showFirst }, ...others] = COLUMNS as readonly [ColumnOfSessions, ...ColumnOfSessions[]]
  return (
    <tr aria-rowindex={row + 2} class={session.id === chosen ? 'chosen' : undefined}>
      <td>
        <a href={linkTo('sessions', session.id, query)} aria-current={session.id === chosen ? 'true' : undefined}>
          {showFirst(session, nowMs)}
        </a>
      </td>
      {others.map(({ field, isNumber, since, show }) => (
        <td key={field} class={classesOf(since, isNumber)}>
          {show(session, nowMs)}
        </td>
      ))}
    </tr>
  )
}

function classesOf(since: ColumnOfSessions['since'], isNumber = false): string {
  return `from-${since}${isNumber ? ' number' : ''}`
}
