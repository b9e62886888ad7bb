/** What stands around every page: who one is, where one can go, and what was just done. */
import { useCallback, useEffect, useMemo, useState } from 'preact/hooks'
import type { Client } from './api/client.ts'
import type { Me } from './api/shapes.ts'
import { PAGES } from './pages.ts'
import { Mark } from './parts/mark.tsx'
import { Nothing } from './parts/standing.tsx'
import { linkTo } from './state/address.ts'
import { Context, useMay } from './state/console-context.ts'
import { useRoute } from './state/route.ts'
import { useWatch, Watch } from './state/watch.ts'

/** How long a sentence stays. */
const SAID_MS = 8_000

interface ShellProps {
  readonly client: Client
  readonly me: Me
  /** Absent: the browser shows who one is, whatever this page does. */
  onLeave?(): void
}

export function Shell({ client, me, onLeave }: ShellProps) {
  const [said, setSaid] = useState('')
  const watch = useMemo(() => new Watch(client), [client])
  useEffect(() => {
    watch.start()
    return () => watch.stop()
  }, [watch])
  useEffect(() => {
    const timer = setTimeout(() => setSaid(''), SAID_MS)
    return () => clearTimeout(timer)
  }, [said])
  const say = useCallback((text: string) => setSaid(text), [])
  const context = useMemo(() => ({ client, me, watch, say }), [client, me, watch, say])

  return (
    <Context.Provider value={context}>
      <button type="button" class="skip" onClick={toContent}>
        Skip to the content
      </button>
      <header>
        <Mark />
        <p class="title">Gatehouse</p>
        <State />
        <p class="who">
          {me.subject} <span class="role">{me.role}</span>
        </p>
        {onLeave !== undefined && (
          <button type="button" onClick={onLeave}>
            Log out
          </button>
        )}
      </header>
      <div class="middle">
        <Navigation />
        <main id="content">
          <Page />
        </main>
      </div>
      <p class="said" role="status">
        {said}
      </p>
    </Context.Provider>
  )
}

/** Which gateway this is, and whether it answers. */
function State() {
  const { overview, error } = useWatch()
  if (error !== undefined) return <p class="state bad">no answer</p>
  if (overview === undefined) return <p class="state" />
  const { name, version, draining } = overview
  return (
    <p class="state">
      {name} <span class="hint">{version}</span> {draining && <span class="bad">draining</span>}
    </p>
  )
}

function Navigation() {
  const { page: here } = useRoute()
  return (
    <nav aria-label="Pages">
      <ul>
        {PAGES.map((page) => (
          <NavigationItem key={page.name} {...page} isHere={page.name === here} />
        ))}
      </ul>
    </nav>
  )
}

function NavigationItem({ name, title, role, isHere }: (typeof PAGES)[number] & { readonly isHere: boolean }) {
  if (!useMay(role)) return null
  return (
    <li>
      <a href={linkTo(name)} aria-current={isHere ? 'page' : undefined}>
        {title}
      </a>
    </li>
  )
}

function Page() {
  const { page: name } = useRoute()
  const page = PAGES.find((one) => one.name === name)
  const may = useMay(page?.role ?? 'viewer')
  useEffect(() => {
    document.title = `${page?.title ?? 'Not found'} · Gatehouse`
    // Where one is read out, and where the next Tab begins.
    document.querySelector<HTMLElement>('main h1')?.focus()
    document.querySelector('nav [aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' })
  }, [page])
  if (page === undefined) return <Nothing>There is no such page.</Nothing>
  if (!may) return <Nothing>This page needs the role {page.role}.</Nothing>
  const { Content } = page
  return <Content />
}

function toContent(): void {
  document.querySelector<HTMLElement>('main h1')?.focus()
}
