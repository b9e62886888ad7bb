/** Who are you? Offers what the gateway's last refusal says it would take. */
import { useId, useState } from 'preact/hooks'
import { type ApiError, type Credential, sentence } from './api/client.ts'
import { TextField } from './parts/fields.tsx'
import { Mark } from './parts/mark.tsx'
import { useRoute } from './state/route.ts'

/** What the gateway takes, as it said last. */
export type Takes = Pick<ApiError, 'challenge' | 'logins'>

interface LoginProps {
  readonly why: ApiError | undefined
  readonly takes: Takes
  /** Of the identity provider that one has come from. */
  readonly endSessionUrl: string | undefined
  onEnter(credential: Credential): Promise<void>
}

export function Login({ why, takes: { challenge, logins }, endSessionUrl, onEnter }: LoginProps) {
  const offers = offersOf(challenge)
  // The way back follows the address.
  useRoute()
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
        {logins.map((name, index) => (
          <a key={name} class="button primary" href={loginAt(name)} ref={index === 0 ? focus : null}>
            Log in by {name}
          </a>
        ))}
        {logins.length > 0 && kind !== undefined && <p class="or">or</p>}
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
          <TextField
            label="Name"
            value={name}
            onValue={setName}
            autocomplete="username"
            isRequired
            isFirst={logins.length === 0}
          />
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
        {endSessionUrl !== undefined && (
          <p class="hint">
            You are logged out here. The login service may still know you:{' '}
            <a href={endSessionUrl}>log out there, too</a>.
          </p>
        )}
        {kind === undefined && logins.length === 0 && why?.status === 401 && (
          <p>The gateway did not recognize this browser. Log in where it expects you to, then try again.</p>
        )}
        <p class="problem" role="alert">
          {problemOf(why, hasTried)}
        </p>
        {(kind !== undefined || logins.length === 0) && (
          <button type="submit" class={logins.length === 0 ? 'primary' : ''} disabled={isBusy}>
            {kind === undefined ? 'Try again' : 'Log in'}
          </button>
        )}
        {kind !== undefined && <p class="hint">This page keeps what you type in its memory only.</p>}
      </form>
    </main>
  )
}

type Offer = 'basic' | 'bearer'

/** More does not fit into what the gateway keeps of a login under way. */
const LONGEST_RETURN = 1500

/** Through the identity provider, and back to where one is. */
function loginAt(name: string): string {
  const url = new URL('../auth/login', document.baseURI)
  const { pathname, hash } = window.location
  const here = `${pathname}${hash}`
  url.searchParams.set('with', name)
  url.searchParams.set('returnTo', here.length > LONGEST_RETURN ? pathname : here)
  return url.href
}

function focus(link: HTMLElement | null): void {
  link?.focus()
}

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
