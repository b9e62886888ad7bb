import { AMQPSession } from './amqp-websocket-client.mjs'
import { gatehouse } from './gatehouse.js'

const login = document.querySelector('#login')
const logout = document.querySelector('#logout')
const provider = document.querySelector('#provider')
const say = document.querySelector('#say')
const show = (line) => document.querySelector('#log').append(`${line}\n`)

/** It is over: somebody has to log in (4401), logged out (4400), or may not be here. */
function onstop({ code, message }) {
  show(message)
  say.hidden = true
  // Whoever may not be here can log out, and come back as somebody else.
  login.hidden = code > 4401
  logout.hidden = !login.hidden
}

// The browser sends the cookie of the login by itself, so there is nothing to ask for.
const gate = gatehouse(`ws://${location.host}/amqp`, { onstop })
login.onclick = gate.login
logout.onclick = async () => {
  const { endSessionUrl } = await gate.logout()
  login.hidden = false
  logout.hidden = true
  // The provider remembers who logged in: until its own logout, the next login may ask nothing.
  provider.href = endSessionUrl
  provider.hidden = endSessionUrl === undefined
}

async function start() {
  const session = await gate.connect((url, hooks) => AMQPSession.connect(url, hooks))
  const queue = await session.queue(`ui.${gate.who.word}.hello`, { arguments: { 'x-expires': 60_000 } })
  await queue.subscribe((message) => show(`received: ${message.bodyString()}`))
  say.onsubmit = (event) => {
    event.preventDefault()
    queue.publish(say.elements.text.value).catch((error) => show(error.message))
  }
  say.hidden = logout.hidden = false
  show(`connected: ${gate.who.subject}`)
}

start().catch((error) => {
  if (error.code === undefined) show(error.message ?? 'not connected: see the log of the gateway')
})
