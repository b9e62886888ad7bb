/** Who are you? Offers what the gateway's last refusal says it would take. */
import { useId, useState } from 'preact/hooks'
import { type ApiError, type Credential, sentence } from './api/client.ts'
import { TextField } from './parts/fields.tsx'
import { Mark } from './parts/mark.tsx'

interface LoginProps {
  readonly why: ApiError | undefined
  readonly challenge: string
  onEnter(credential: Credential): Promise<void>
}

export function Login({ why, challenge, onEnter }: LoginProps) {
  const offers = offersOf(challenge)
  const [chosen, setChosen] = useState<Offer | undefined>()
  const kind = chosen ?? offers[0]
  const [name, setName] = useState('')
  const [secret, setSecret] = useState('')
  const [hasTried, setTried] = useState(false)
  const [isBusy, setBusy] = useState(false)
  const titleId = useId()

  const submit = async (event: Event) => {
    event.preventDefault()
    setBusy(true)
    await onEnter(credentialOf(kind, name, secret))
    setTried(true)
    setBusy(false)
    setSecret('')
  }

  return (
    <main class="login">
      <form onSubmit={(event) => void submit(event)} aria-labelledby={titleId}>
        <div class="brand">
          <Mark />
          <h1 id={titleId}>Gatehouse</h1>
        </div>
        {offers.length > 1 && (
          <fieldset class="tabs">
            <legend>Log in by</legend>
            {offers.map((offer) => (
              <label key={offer}>
                <input type="radio" name="kind" checked={kind === offer} onChange={() => setChosen(offer)} />
                {offer === 'basic' ? 'password' : 'token'}
              </label>
            ))}
          </fieldset>
        )}
        {kind === 'basic' && (
          <TextField label="Name" value={name} onValue={setName} autocomplete="username" isRequired isFirst />
        )}
        {kind !== undefined && (
          <TextField
            label={kind === 'basic' ? 'Password' : 'Token'}
            isSecret
            value={secret}
            onValue={setSecret}
            autocomplete={kind === 'basic' ? 'current-password' : 'off'}
            isRequired
          />
        )}
        {kind === undefined && why?.status === 401 && (
          <p>The gateway did not recognize this browser. Log in where it expects you to, then try again.</p>
        )}
        <p class="problem" role="alert">
          {problemOf(why, hasTried)}
        </p>
        <button type="submit" class="primary" disabled={isBusy}>
          {kind === undefined ? 'Try again' : 'Log in'}
        </button>
        {kind !== undefined && <p class="hint">This page keeps what you type in its memory only.</p>}
      </form>
    </main>
  )
}

type Offer = 'basic' | 'bearer'

function offersOf(challenge: string): readonly Offer[] {
  return [
    ...(/\bx?Basic\b/i.test(challenge) ? (['basic'] as const) : []),
    ...(/\bBearer\b/i.test(challenge) ? (['bearer'] as const) : []),
  ]
}

function credentialOf(kind: Offer | undefined, name: string, secret: string): Credential {
  if (kind === 'basic') return { kind, name, password: secret }
  return kind === 'bearer' ? { kind, token: secret.trim() } : { kind: 'ambient' }
}

function problemOf(why: ApiError | undefined, hasTried: boolean): string {
  if (why === undefined) return ''
  if (why.status !== 401) return why.role === undefined ? sentence(why) : `You are known, but ${sentence(why)}`
  return hasTried ? 'The gateway does not accept this.' : ''
}
