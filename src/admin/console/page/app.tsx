/** From "who are you?" to the pages, and back when the gateway does not know one any more. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { ApiError, Client, type Credential } from './api/client.ts'
import type { Me } from './api/shapes.ts'
import { Login } from './login.tsx'
import { Shell } from './shell.tsx'

type State =
  | { readonly is: 'asking' }
  /** Without a reason: one has left. */
  | { readonly is: 'outside'; readonly why: ApiError | undefined }
  | { readonly is: 'inside'; readonly client: Client; readonly me: Me; readonly mayLeave: boolean }

export function App() {
  const [state, setState] = useState<State>({ is: 'asking' })
  /** What the gateway takes, as it said last. */
  const challenge = useRef('')

  const outside = useCallback((why: ApiError | undefined) => {
    if (why !== undefined && why.challenge !== '') challenge.current = why.challenge
    setState({ is: 'outside', why })
  }, [])
  const enter = useCallback(
    async (credential: Credential) => {
      const client = new Client(credential, outside)
      try {
        const me = await client.get<Me>('me')
        setState({ is: 'inside', client, me, mayLeave: credential.kind !== 'ambient' })
      } catch (error) {
        outside(error instanceof ApiError ? error : new ApiError(0, { detail: String(error) }))
      }
    },
    [outside],
  )
  useEffect(() => void enter({ kind: 'ambient' }), [enter])

  switch (state.is) {
    case 'asking':
      return <p class="nothing">Asking the gateway who you are …</p>
    case 'outside':
      return <Login why={state.why} challenge={challenge.current} onEnter={enter} />
    case 'inside':
      return (
        <Shell client={state.client} me={state.me} {...(state.mayLeave ? { onLeave: () => outside(undefined) } : {})} />
      )
  }
}
