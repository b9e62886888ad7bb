import { AMQPSession } from './amqp-websocket-client.mjs'
import { basic, gatehouse } from './gatehouse.js'

const login = document.querySelector('#login')
const say = document.querySelector('#say')
const show = (line) => document.querySelector('#log').append(`${line}\n`)

/** Shows the form until somebody has filled it in. The gate asks when it needs to: at first, and when a login was refused. */
function credential(again) {
  if (again) show('this login was refused')
  login.hidden = false
  return new Promise((resolve) => {
    login.onsubmit = (event) => {
      event.preventDefault()
      login.hidden = true
      resolve(basic(login.elements.user.value, login.elements.password.value))
    }
  })
}

const onstop = ({ message }) => show(`${message}. Reload the page to begin again.`)
const gate = gatehouse('ws://127.0.0.1:8080/amqp', { credential, onstop })

async function start() {
  // It connects again by itself after an interruption. The queue outlives those of less than a minute.
  const session = await gate.connect((url, hooks) => AMQPSession.connect(url, hooks))
  // One's own name as permissions write it: joe%2Esmith.
  const queue = await session.queue(`ui.${gate.who.word}.hello`, { arguments: { 'x-expires': 60_000 } })
  await queue.subscribe((message) => show(`received: ${message.bodyString()}`))
  say.onsubmit = (event) => {
    event.preventDefault()
    queue.publish(say.elements.text.value).catch((error) => show(error.message))
  }
  say.hidden = false
  show(`connected: ${queue.name}`)
}

start().catch((error) => {
  // What stopped it for good has been shown. Browsers give no text where there was no connection.
  if (error.code === undefined) show(error.message ?? 'not connected: see the log of the gateway')
})
