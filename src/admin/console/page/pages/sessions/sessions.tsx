/** Who is connected: found, sorted, looked at, and sent away. */
import { useEffect, useMemo, useState } from 'preact/hooks'
import type { SessionPage } from '../../api/shapes.ts'
import { counted } from '../../parts/format.ts'
import { Heading, Nothing, NotReached, Trouble } from '../../parts/standing.tsx'
import { linkTo } from '../../state/address.ts'
import { useConsole, useMay } from '../../state/console-context.ts'
import { type Condition, conditionsIn, queryOf } from '../../state/filters.ts'
import { useRoute } from '../../state/route.ts'
import { PAGE_SIZE, SessionPages } from '../../state/session-pages.ts'
import { FilterBar } from './filter-bar.tsx'
import { KickDialog } from './kick-dialog.tsx'
import { SessionDetail } from './session-detail.tsx'
import { SessionList } from './session-list.tsx'

const REFRESH_MS = 5_000
/** Newest first. */
const FIRST_SORT = '-openedAt'

export function Sessions() {
  const { id, query } = useRoute()
  const sort = query.get('sort') ?? FIRST_SORT
  const text = queryOf(conditionsIn(query)).toString()
  const conditions = useMemo(() => conditionsIn(new URLSearchParams(text)), [text])
  const pages = useSessionPages(text, sort)
  const mayEnd = useMay('operator')
  const [isEnding, setEnding] = useState(false)

  const goTo = (wanted: readonly Condition[], by: string) => {
    const next = queryOf(wanted)
    if (by !== FIRST_SORT) next.set('sort', by)
    location.hash = linkTo('sessions', id, next)
  }
  return (
    <>
      <Heading beside={<span class="hint">{pages.total === undefined ? '' : counted(pages.total, 'session')}</span>}>
        Sessions
      </Heading>
      <div class="bar">
        <FilterBar conditions={conditions} onConditions={(wanted) => goTo(wanted, sort)} />
        {mayEnd && conditions.length > 0 && pages.total !== undefined && pages.total > 0 && (
          <button type="button" onClick={() => setEnding(true)}>
            End all of these …
          </button>
        )}
      </div>
      <Trouble error={pages.error} />
      <NotReached names={pages.notReached} />
      <div class={id === '' ? 'list-and-detail' : 'list-and-detail has-detail'}>
        <div class="list">
          <SessionList pages={pages} sort={sort} onSort={(by) => goTo(conditions, by)} query={query} chosen={id} />
          {pages.total === 0 && (
            <Nothing>{conditions.length === 0 ? 'Nobody is connected.' : 'No session is like that.'}</Nothing>
          )}
        </div>
        {id !== '' && <SessionDetail key={id} id={id} back={linkTo('sessions', '', query)} />}
      </div>
      {isEnding && (
        <KickDialog
          conditions={conditions}
          onClose={() => {
            setEnding(false)
            void pages.refresh()
          }}
        />
      )}
    </>
  )
}

/** Fetched again every few seconds, and from the beginning where other sessions or another order are wanted. */
function useSessionPages(filters: string, sort: string): SessionPages {
  const { client } = useConsole()
  const [, setCount] = useState(0)
  const pages = useMemo(() => {
    const fetchPage = (page: number) => {
      const query = new URLSearchParams(filters)
      query.set('sort', sort)
      query.set('page', String(page))
      query.set('pageSize', String(PAGE_SIZE))
      return client.get<SessionPage>(`sessions?${query}`)
    }
    return new SessionPages(fetchPage, () => setCount((count) => count + 1))
  }, [client, filters, sort])
  useEffect(() => {
    const timer = setInterval(() => void pages.refresh(), REFRESH_MS)
    return () => clearInterval(timer)
  }, [pages])
  return pages
}
