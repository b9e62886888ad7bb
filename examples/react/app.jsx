// A page in React. It needs the packages react, react-dom, @cloudamqp/amqp-client and amqp-gatehouse, and a bundler.
import { basic } from 'amqp-gatehouse/browser'
import { useEffect, useState } from 'react'
import { createRoot } from 'react-dom/client'
import { begin, useGate } from './gate.js'

function App() {
  const { answer, again, session, who, error } = useGate()
  if (answer) return <Login answer={answer} again={again} />
  if (session) return <Messages session={session} name={`ui.${who.word}.hello`} />
  if (!error) return <p>Connecting…</p>
  return (
    <p>
      {error.message ?? 'not connected'}{' '}
      <button type="button" onClick={begin}>
        Begin again
      </button>
    </p>
  )
}

function Login({ answer, again }) {
  function submit(event) {
    event.preventDefault()
    const { user, password } = event.currentTarget.elements
    answer(basic(user.value, password.value))
    event.currentTarget.reset()
  }
  return (
    <form onSubmit={submit}>
      {again && <p>This login was refused.</p>}
      <input name="user" placeholder="user" autoComplete="username" required />
      <input name="password" placeholder="password" type="password" autoComplete="current-password" required />
      <button type="submit">Log in</button>
    </form>
  )
}

/** One's own queue, consumed for as long as the component is there. */
function Messages({ session, name }) {
  const [queue, setQueue] = useState()
  const [messages, setMessages] = useState([])

  useEffect(() => {
    const consuming = session.queue(name, { arguments: { 'x-expires': 60_000 } }).then((declared) => {
      setQueue(declared)
      return declared.subscribe((message) => setMessages((all) => [...all, message.bodyString()]))
    })
    return () => consuming.then((subscription) => subscription.cancel()).catch(() => {})
  }, [session, name])

  function submit(event) {
    event.preventDefault()
    queue.publish(event.currentTarget.elements.text.value)
    event.currentTarget.reset()
  }
  return (
    <form onSubmit={submit}>
      <input name="text" placeholder="a message" required />
      <button type="submit" disabled={!queue}>
        Send
      </button>
      <pre>{messages.join('\n')}</pre>
    </form>
  )
}

createRoot(document.querySelector('#app')).render(<App />)
begin()
