/** What stands where there is nothing to show. */
import type { ComponentChildren } from 'preact'
import { sentence } from '../api/client.ts'

export function Nothing({ children }: { readonly children: ComponentChildren }) {
  return <p class="nothing">{children}</p>
}

/** @param error nothing is shown without one */
export function Trouble({ error }: { readonly error: unknown }) {
  return error === undefined ? null : (
    <p class="problem" role="alert">
      {sentence(error)}
    </p>
  )
}

/** Gateways that did not answer: theirs is missing in what is shown. */
export function NotReached({ names = [] }: { readonly names: readonly string[] | undefined }) {
  return names.length === 0 ? null : (
    <p class="problem" role="status">
      Not reached: {names.join(', ')}. Theirs is missing here.
    </p>
  )
}

/** The heading that a page begins with: the focus goes there when one comes to the page. */
export function Heading({ children, beside }: { readonly children: string; readonly beside?: ComponentChildren }) {
  return (
    <div class="heading">
      <h1 tabIndex={-1}>{children}</h1>
      {beside}
    </div>
  )
}
