import { AMQPSession } from './amqp-websocket-client.mjs'

const GATEWAY = 'http://127.0.0.1:8080'

const show = (line) => document.querySelector('#log').append(`${line}\n`)
// A refused upgrade is an event without a text: browsers tell pages nothing more.
const showError = (error) => show(error.message ?? 'not connected: see the log of the gateway')

/** Logs in, and connects again by itself after an interruption. Returns one's own queue. */
async function logIn(user, password) {
  const bytes = new TextEncoder().encode(`${user}:${password}`)
  const headers = { Authorization: `Basic ${btoa(String.fromCharCode(...bytes))}` }
  const ask = async (method, path) => {
    const answer = await fetch(`${GATEWAY}${path}`, { method, headers, credentials: 'include' })
    const body = await answer.json()
    if (!answer.ok) throw new Error(body.error)
    return body
  }

  // The name as permissions write it: joe%2Esmith.
  const { word } = await ask('GET', '/auth/whoami?service=/amqp')
  const session = await AMQPSession.connect(`${GATEWAY.replace(/^http/, 'ws')}/amqp`, {
    beforeConnect: () => ask('POST', '/auth/ticket?service=/amqp&as=cookie'),
  })
  return await session.queue(`ui.${word}.hello`, { durable: false, autoDelete: true })
}

const login = document.querySelector('#login')
const say = document.querySelector('#say')

login.addEventListener('submit', async (event) => {
  event.preventDefault()
  try {
    const { user, password } = Object.fromEntries(new FormData(login))
    const queue = await logIn(user, password)
    await queue.subscribe((message) => show(`received: ${message.bodyString()}`))
    say.addEventListener('submit', (sent) => {
      sent.preventDefault()
      queue.publish(say.elements.text.value).catch(showError)
    })
    login.hidden = true
    say.hidden = false
    show(`connected: ${queue.name}`)
  } catch (error) {
    showError(error)
  }
})
