/** A line of the configuration, to be taken along. */
import { useConsole } from '../state/console-context.ts'

export function Line({ text }: { readonly text: string }) {
  const { say } = useConsole()
  const copy = () => {
    navigator.clipboard.writeText(text).then(
      () => say('Copied.'),
      () => say('The browser did not let the page copy: mark the text instead.'),
    )
  }
  return (
    <p class="allow">
      <span class="hint">would allow it:</span> <code>{text}</code>
      {/* Browsers have no clipboard for pages that arrive over plain HTTP from elsewhere. */}
      {'clipboard' in navigator && (
        <button type="button" onClick={copy} aria-label={`Copy ${text}`}>
          Copy
        </button>
      )}
    </p>
  )
}
