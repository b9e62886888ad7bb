/** From "who are you?" to the pages, and back when the gateway does not know one any more. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { ApiError, Client, type Credential, logOut } from './api/client.ts'
import type { Me } from './api/shapes.ts'
import { Login, type Takes } from './login.tsx'
import { Shell } from './shell.tsx'

type State =
  | { readonly is: 'asking' }
  /** Without a reason: one has left, and may leave the identity provider, too. */
  | { readonly is: 'outside'; readonly why: ApiError | undefined; readonly endSessionUrl?: string | undefined }
  | { readonly is: 'inside'; readonly client: Client; readonly me: Me; readonly isTyped: boolean }

export function App() {
  const [state, setState] = useState<State>({ is: 'asking' })
  /** What the gateway takes, as it said last. */
  const takes = useRef<Takes>({ challenge: '', logins: [] })

  const outside = useCallback((why: ApiError | undefined, endSessionUrl?: string) => {
    if (why?.status === 401) takes.current = why
    setState({ is: 'outside', why, endSessionUrl })
  }, [])
  const enter = useCallback(
    async (credential: Credential) => {
      const client = new Client(credential, outside)
      try {
        const me = await client.get<Me>('me')
        setState({ is: 'inside', client, me, isTyped: credential.kind !== 'ambient' })
      } catch (error) {
        outside(error instanceof ApiError ? error : new ApiError(0, { detail: String(error) }))
      }
    },
    [outside],
  )
  useEffect(() => void enter({ kind: 'ambient' }), [enter])
  const leave = useCallback(async () => {
    try {
      outside(undefined, await logOut())
    } catch (error) {
      outside(error instanceof ApiError ? error : new ApiError(0, { detail: String(error) }))
    }
  }, [outside])

  switch (state.is) {
    case 'asking':
      return <p class="nothing">Asking the gateway who you are …</p>
    case 'outside':
      return <Login why={state.why} takes={takes.current} endSessionUrl={state.endSessionUrl} onEnter={enter} />
    case 'inside': {
      const { client, me, isTyped } = state
      const onLeave = me.mayLogOut ? () => void leave() : isTyped ? () => outside(undefined) : undefined
      return <Shell client={client} me={me} {...(onLeave === undefined ? {} : { onLeave })} />
    }
  }
}
