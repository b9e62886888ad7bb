/** A form before the page: the browser keeps the focus inside and gives it back. */
import type { ComponentChildren } from 'preact'
import { useEffect, useId, useRef, useState } from 'preact/hooks'
import { sentence } from '../api/client.ts'

export interface DialogProps {
  readonly title: string
  /** What the button says that does it. */
  readonly act: string
  readonly isDangerous?: boolean
  /** Does it; its failure is shown and leaves the dialog open. */
  onAct(): Promise<void>
  onClose(): void
  readonly children: ComponentChildren
}

export function Dialog({ title, act, isDangerous = false, onAct, onClose, children }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null)
  const titleId = useId()
  const [problem, setProblem] = useState('')
  const [isBusy, setBusy] = useState(false)
  useEffect(() => dialog.current?.showModal(), [])

  const submit = async (event: Event) => {
    event.preventDefault()
    setBusy(true)
    setProblem('')
    try {
      await onAct()
      dialog.current?.close()
    } catch (error) {
      setProblem(sentence(error))
      setBusy(false)
    }
  }

  return (
    <dialog ref={dialog} aria-labelledby={titleId} onClose={onClose}>
      <form onSubmit={(event) => void submit(event)}>
        <h2 id={titleId}>{title}</h2>
        {children}
        <p class="problem" role="alert">
          {problem}
        </p>
        <div class="buttons">
          <button type="button" onClick={() => dialog.current?.close()}>
            Cancel
          </button>
          <button type="submit" class={isDangerous ? 'danger' : 'primary'} disabled={isBusy}>
            {act}
          </button>
        </div>
      </form>
    </dialog>
  )
}
