/**
 * The demo's page: logs in at the gateway, connects the unmodified AMQP client with a ticket, and shows who one is to
 * whom. No framework, no build step: what is read here is what runs.
 */
import { AMQPWebSocketClient } from '/amqp-client.mjs'

/** @type {(id: string) => any} */
const element = (id) => document.getElementById(id)
const demo = await (await fetch('/demo.json')).json()
let session

// --- logging in -----------------------------------------------------------------------------------------------------

/** xBasic: no browser dialog; the answer tells the page what is wrong. */
async function askGateway(method, path, person, password) {
  const bytes = new TextEncoder().encode(`${person}:${password}`)
  const answer = await fetch(`${demo.gateway}${path}`, {
    method,
    headers: { Authorization: `Basic ${btoa(String.fromCharCode(...bytes))}`, 'X-Requested-With': 'XMLHttpRequest' },
  })
  const body = await answer.json().catch(() => ({}))
  if (!answer.ok) throw Object.assign(new Error(body.error ?? answer.statusText), { status: answer.status })
  return body
}

const ticketFor = async (person, password) => (await askGateway('POST', '/auth/ticket', person, password)).ticket

/**
 * Connects and tells how the WebSocket was closed, which the AMQP client keeps to itself: the page looks over its
 * shoulder by wrapping the browser's own WebSocket while the client makes one.
 */
async function connect(ticket, { username, password }) {
  const url = ticket === undefined ? demo.webSocket : `${demo.webSocket}?ticket=${encodeURIComponent(ticket)}`
  const Native = globalThis.WebSocket
  let closed
  globalThis.WebSocket = class extends Native {
    constructor(...args) {
      super(...args)
      closed = new Promise((resolve) => this.addEventListener('close', resolve))
    }
  }
  const client = new AMQPWebSocketClient({ url, vhost: 'any-vhost', username, password, name: 'demo page' })
  try {
    const opening = client.connect()
    globalThis.WebSocket = Native
    return { client: await opening, closed }
  } catch (error) {
    const close = await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, 4_000))])
    throw Object.assign(error, { close })
  } finally {
    globalThis.WebSocket = Native
  }
}

element('login').addEventListener('submit', async (event) => {
  event.preventDefault()
  const form = new FormData(event.target)
  const person = form.get('person')
  const claimed = { username: form.get('amqpUser'), password: form.get('amqpPassword') }
  element('login-problem').textContent = ''
  await whileBusy(event.target, async () => {
    try {
      await logIn(person, form.get('password'), claimed)
    } catch (error) {
      element('login-problem').textContent = sentence(error)
      return element('password')
    }
  })
})

async function logIn(person, password, claimed) {
  const ticket = await ticketFor(person, password)
  const who = await askGateway('GET', `/auth/whoami?service=${encodeURIComponent(demo.service)}`, person, password)
  const { client, closed } = await connect(ticket, claimed)
  try {
    const channel = await client.channel()
    await channel.confirmSelect()
    const queue = await channel.queueDeclare('', { exclusive: true })
    await channel.queueBind(queue.name, demo.exchange, '#')
    await channel.basicConsume(queue.name, { noAck: true }, showMessage)
    session = { client, who, key: `${demo.exchange}.${who.word}.new`, channel }
  } catch (error) {
    await client.close()
    throw error
  }
  showSession(who, claimed)
  closed.then((close) => sessionEnded(close))
}

function showSession(who, claimed) {
  element('claimed').textContent = claimed.username
  element('subject').textContent = who.subject
  element('proof').textContent =
    `proven by ${who.authenticator}, ${who.roles.length > 0 ? `role ${who.roles.join(', ')}` : 'no role'}`
  element('exchange').textContent = demo.exchange
  element('key').textContent = session.key
  element('word-name').textContent = who.subject
  element('word').textContent = who.word
  element('word-note').hidden = who.word === who.subject
  element('messages').replaceChildren()
  show(true)
  element('identity-title').focus()
  refresh()
}

/** What was refused to one person says nothing about the next one. */
function show(isConnected) {
  element('outcome').hidden = true
  element('login-card').hidden = isConnected
  element('identity-card').hidden = !isConnected
  element('messages-card').hidden = !isConnected
  for (const button of element('attempts').children)
    button.disabled = button.dataset.needs === 'session' && !isConnected
}

function sessionEnded(close) {
  const wasExpected = session === undefined
  session = undefined
  element('promoted').textContent = '…'
  element('connection-name').textContent = ''
  show(false)
  if (!wasExpected)
    element('login-problem').textContent = `The session was ended (WebSocket ${close.code} ${close.reason}).`
  document.querySelector('input[name=person]:checked')?.focus()
  refresh()
}

element('logout').addEventListener('click', async () => {
  const { client } = session
  session = undefined
  await client.close().catch(() => undefined)
  element('password').value = 'welcome'
})

// --- messages -------------------------------------------------------------------------------------------------------

element('publish').addEventListener('submit', async (event) => {
  event.preventDefault()
  element('publish-problem').textContent = ''
  try {
    await session.channel.basicPublish(demo.exchange, session.key, element('text').value, { contentType: 'text/plain' })
    element('text').select()
  } catch (error) {
    element('publish-problem').textContent = sentence(error)
  }
})

function showMessage(message) {
  const item = element('message-template').content.firstElementChild.cloneNode(true)
  const { headers = {}, userId } = message.properties
  const sender = headers['x-gatehouse-user'] ?? 'nobody known'
  item.classList.toggle('own', sender === session?.who.subject)
  item.querySelector('.text').textContent = message.bodyToString()
  item.querySelector('time').textContent = new Date().toLocaleTimeString([], { timeStyle: 'medium' })
  item.querySelector('b').textContent = sender
  item.querySelector('.hint').textContent = `broker user ${userId ?? 'unknown'}`
  element('messages').prepend(item)
  while (element('messages').children.length > 50) element('messages').lastElementChild.remove()
}

// --- what is not allowed --------------------------------------------------------------------------------------------

const INVENTED = { username: 'administrator', password: 'let-me-in' }

/** Does what must fail on a channel of its own, so that the session's own goes on. */
async function onOwnChannel(misdeed) {
  const channel = await session.client.channel()
  await misdeed(channel)
  await channel.close()
}

const ATTEMPTS = [
  {
    title: 'Log in with a wrong password',
    detail: 'refused before anything is opened',
    go: () => ticketFor('joe.smith', 'wrong'),
  },
  {
    title: 'Connect without logging in',
    detail: 'only with the AMQP user and password of the client',
    go: () => connect(undefined, INVENTED),
  },
  {
    title: 'Connect as somebody whom no rule promotes',
    detail: 'eve.visitor has a password, but no broker user',
    go: async () => connect(await ticketFor('eve.visitor', 'welcome'), INVENTED),
  },
  {
    title: 'Publish under somebody else’s key',
    detail: 'orders.the-boss.new belongs to the-boss',
    needs: 'session',
    go: () => onOwnChannel((channel) => publishConfirmed(channel, `${demo.exchange}.the-boss.new`, {})),
  },
  {
    title: 'Delete the exchange',
    detail: 'nobody here may configure it',
    needs: 'session',
    go: () => onOwnChannel((channel) => channel.exchangeDelete(demo.exchange)),
  },
  {
    title: 'Sign a message as the boss',
    detail: 'with a forged user-id and a forged header',
    needs: 'session',
    go: () =>
      onOwnChannel((channel) =>
        publishConfirmed(channel, session.key, { userId: 'the-boss', headers: { 'X-Gatehouse-User': 'the-boss' } }),
      ),
    good: 'It went through, signed by who really sent it: look at the newest message.',
  },
]

async function publishConfirmed(channel, key, properties) {
  await channel.confirmSelect()
  await channel.basicPublish(demo.exchange, key, 'sell everything', properties)
}

for (const attempt of ATTEMPTS) {
  const button = document.createElement('button')
  button.type = 'button'
  button.dataset.needs = attempt.needs ?? ''
  const detail = document.createElement('span')
  detail.className = 'hint'
  detail.textContent = attempt.detail
  button.append(attempt.title, detail)
  button.addEventListener('click', () => whileBusy(element('attempts'), () => tryIt(attempt)))
  element('attempts').append(button)
}

async function tryIt(attempt) {
  try {
    await attempt.go()
    showOutcome([[attempt.title, attempt.good ?? 'It went through, and should not have.']], attempt.good !== undefined)
  } catch (error) {
    const rows = [['You tried', attempt.title]]
    if (error.status) rows.push(['HTTP', `${error.status} ${error.message}`])
    else rows.push(['AMQP', error.message])
    if (error.close) rows.push(['WebSocket', `${error.close.code} ${error.close.reason}`])
    if (/^channel /.test(error.message)) rows.push(['Your session', 'goes on: only that channel was closed'])
    showOutcome(rows, false)
  }
  refresh()
}

function showOutcome(rows, isGood) {
  const list = element('outcome')
  list.replaceChildren(
    ...rows.flatMap(([term, text]) => {
      const dt = document.createElement('dt')
      const dd = document.createElement('dd')
      dt.textContent = term
      dd.textContent = text
      return [dt, dd]
    }),
  )
  list.classList.toggle('good', isGood)
  list.hidden = false
}

// --- what the broker and the operator see ---------------------------------------------------------------------------

async function refreshConnections() {
  const connections = await (await fetch('/broker/connections')).json()
  const own = connections.find(({ gatehouse }) => session && gatehouse?.subject === session.who.subject)
  if (own) {
    element('promoted').textContent = own.user
    element('connection-name').textContent = own.name
  }
  const rows = connections.map((connection) => {
    const row = document.createElement('tr')
    row.classList.toggle('mine', connection === own)
    const { subject = '', issuer = '', address = '', session: id = '' } = connection.gatehouse ?? {}
    for (const text of [connection.user, subject, issuer, address, id.slice(0, 8), connection.name]) {
      row.insertCell().textContent = text
    }
    return row
  })
  element('connections').replaceChildren(...(rows.length === 0 ? [noRow('nobody')] : rows))
}

function noRow(text) {
  const row = document.createElement('tr')
  const cell = row.insertCell()
  cell.colSpan = 6
  cell.className = 'none'
  cell.textContent = text
  return row
}

/** What was true a moment ago is not shown when nobody answers any more. */
async function refresh() {
  try {
    await Promise.all([refreshConnections(), refreshLog()])
  } catch {
    element('connections').replaceChildren(noRow('not known: the demo does not answer (is it still running?)'))
  }
}

async function refreshLog() {
  if (!element('log').closest('details').open) return
  const lines = await (await fetch('/gateway/log')).json()
  const items = lines.reverse().map((line) => {
    const { time, level, event, ...fields } = JSON.parse(line)
    const item = document.createElement('li')
    const name = document.createElement('b')
    name.textContent = event
    const values = Object.entries(fields).map(
      ([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
    )
    item.append(`${time.slice(11, 19)} ${level} `, name, ` ${values.join('  ')}`)
    return item
  })
  element('log').replaceChildren(...items)
}

element('log').closest('details').addEventListener('toggle', refresh)
setInterval(() => {
  if (!document.hidden) refresh()
}, 1_000)

// --- small things ---------------------------------------------------------------------------------------------------

/** A button that is disabled loses the focus: it gets it back, or the element that `action` names. */
async function whileBusy(within, action) {
  const focused = document.activeElement
  const buttons = [...within.querySelectorAll('button')].filter((button) => !button.disabled)
  for (const button of buttons) button.disabled = true
  let next
  try {
    next = await action()
  } finally {
    for (const button of buttons) button.disabled = button.dataset.needs === 'session' && session === undefined
    if (document.activeElement === document.body) (next ?? focused).focus()
  }
}

function sentence(error) {
  const code = error.status ?? error.close?.code
  return code === undefined ? error.message : `${error.message} (${error.status ? 'HTTP' : 'WebSocket'} ${code})`
}

for (const [index, person] of demo.people.entries()) {
  const label = element('person-template').content.firstElementChild.cloneNode(true)
  const input = label.querySelector('input')
  input.value = person.name
  input.checked = index === 0
  label.querySelector('b').textContent = person.name
  label.querySelector('.hint').textContent = person.note
  element('people').append(label)
}
element('broker').textContent = demo.broker
element('console').href = demo.console
element('operators').textContent = demo.operators.map(({ name, role }) => `${name} (${role})`).join(' or ')
show(false)
await refresh()
