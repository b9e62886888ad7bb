import { AMQPSession } from './amqp-websocket-client.mjs'

const show = (line) => document.querySelector('#log').append(`${line}\n`)
const say = document.querySelector('#say')

/** Connects as whoever has logged in. The browser sends the cookie of the login by itself. */
async function connect({ subject, word }) {
  const session = await AMQPSession.connect(`ws://${location.host}/amqp`)
  const queue = await session.queue(`ui.${word}.hello`, { durable: false, autoDelete: true })
  await queue.subscribe((message) => show(`received: ${message.bodyString()}`))
  say.addEventListener('submit', (sent) => {
    sent.preventDefault()
    queue.publish(say.elements.text.value).catch((error) => show(error.message))
  })
  say.hidden = false
  show(`connected: ${subject}`)
}

const answer = await fetch('/auth/whoami?service=/amqp')
if (answer.ok) connect(await answer.json()).catch((error) => show(error.message))
else document.querySelector('#login').hidden = false
