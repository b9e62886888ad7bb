/** Labelled inputs. */
import type { ComponentChildren } from 'preact'
import { useId } from 'preact/hooks'

interface Labelled {
  readonly label: string
  readonly hint?: string | undefined
}

interface TextFieldProps extends Labelled {
  readonly value: string
  onValue(value: string): void
  readonly isSecret?: boolean
  readonly autocomplete?: 'off' | 'username' | 'current-password'
  readonly isRequired?: boolean
  readonly maxLength?: number
  readonly isFirst?: boolean
}

export function TextField({ label, hint, value, onValue, isSecret = false, ...more }: TextFieldProps) {
  return (
    <Field label={label} hint={hint}>
      {(id, hintId) => {
        const common = {
          id,
          value,
          'aria-describedby': hint === undefined ? undefined : hintId,
          autocomplete: more.autocomplete ?? 'off',
          required: more.isRequired,
          maxLength: more.maxLength,
          autofocus: more.isFirst,
          onInput: (event: InputEvent) => {
            if (event.currentTarget instanceof HTMLInputElement) onValue(event.currentTarget.value)
          },
        } as const
        return isSecret ? <input type="password" {...common} /> : <input type="text" spellcheck={false} {...common} />
      }}
    </Field>
  )
}

interface ChoiceFieldProps extends Labelled {
  readonly value: string
  onValue(value: string): void
  /** Value and text. */
  readonly choices: readonly (readonly [string, string])[]
}

export function ChoiceField({ label, hint, value, onValue, choices }: ChoiceFieldProps) {
  return (
    <Field label={label} hint={hint}>
      {(id, hintId) => (
        <select
          id={id}
          value={value}
          aria-describedby={hint === undefined ? undefined : hintId}
          onChange={(event) => onValue(event.currentTarget.value)}
        >
          {choices.map(([choice, text]) => (
            <option key={choice} value={choice}>
              {text}
            </option>
          ))}
        </select>
      )}
    </Field>
  )
}

interface FieldProps extends Labelled {
  children(id: string, hintId: string): ComponentChildren
}

function Field({ label, hint, children }: FieldProps) {
  const id = useId()
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children(id, `${id}-hint`)}
      {hint !== undefined && (
        <span class="hint" id={`${id}-hint`}>
          {hint}
        </span>
      )}
    </div>
  )
}
