/** The console, as operators use it: real gateway, real browser, real clients. */
import assert from 'node:assert/strict'
import { after, before, describe, it, type TestContext } from 'node:test'
import type { Browser } from 'playwright-core'
import { connectAmqplib } from '../support/amqplib-over-websocket.ts'
import { refuseCanaries } from '../support/canary.ts'
import { launchChromium } from '../support/chromium.ts'
import { goTo, logIn, openConsole, type Role, startManaged } from '../support/console-browser.ts'
import { BROKER_PASSWORD, basic, type Door, PASSWORD } from '../support/door.ts'
import { until, within } from '../support/until.ts'

describe('the console', () => {
  let browser: Browser

  before(async () => {
    browser = await launchChromium()
  })
  after(() => browser.close())

  async function entered(t: TestContext, role: Role, door?: Door) {
    const gateway = door ?? (await startManaged(t))
    const opened = await openConsole(browser, String(gateway.gateway.adminAddress?.url), t)
    await logIn(opened.page, role)
    await opened.page.getByRole('heading', { name: 'Now', level: 1 }).waitFor()
    return { door: gateway, ...opened }
  }

  async function connectJoe(door: Door) {
    const client = await connectAmqplib(door.url(), { websocket: { headers: { authorization: basic() } } })
    const gone = new Promise<Error>((resolve) => client.connection.once('close', resolve))
    return { client, gone }
  }

  it('asks who one is, and says no to a wrong password without a dialog', async (t) => {
    const door = await startManaged(t)
    const { page, complaints } = await openConsole(browser, String(door.gateway.adminAddress?.url), t)

    await logIn(page, 'viewer', 'wrong')
    await page.getByRole('alert').getByText('does not accept').waitFor()
    await logIn(page, 'nobody')
    await page.getByRole('alert').getByText('this needs the role viewer').waitFor()
    await logIn(page, 'viewer')

    await page.getByRole('heading', { name: 'Now', level: 1 }).waitFor()
    assert.deepEqual(
      complaints.filter((text) => !/status of 403/.test(text)),
      [],
    )
  })

  it('asks nobody whom a login proxy in front has named', async (t) => {
    const secret = 'CANARY-secret-of-the-proxy'
    const front = {
      type: 'forwarded' as const,
      rolesHeader: 'X-Forwarded-Groups',
      trustedProxies: ['127.0.0.0/8'],
      secret,
    }
    const door = await startManaged(t, { authenticate: ['front'], authenticators: { front } })
    const extraHTTPHeaders = {
      'X-Forwarded-User': 'ann',
      'X-Forwarded-Groups': 'gate-operator',
      'X-Gatehouse-Secret': secret,
    }
    const { page, complaints } = await openConsole(browser, String(door.gateway.adminAddress?.url), t, {
      extraHTTPHeaders,
    })

    await page.getByRole('banner').getByText('ann').waitFor()
    assert.equal(await page.getByRole('button', { name: 'Log out' }).count(), 0)
    await goTo(page, '#/blocks')
    await page.getByRole('button', { name: 'Block somebody' }).click()
    await page.getByLabel('Subject').fill('somebody')
    await page.getByLabel('Reason').fill('a test')
    await page.getByRole('button', { name: 'Block', exact: true }).click()
    await page.getByRole('cell', { name: 'a test' }).waitFor()
    assert.deepEqual(complaints, [])
  })

  it('keeps no credential: neither in the storage nor in the address, and a reload forgets it', async (t) => {
    const { page } = await entered(t, 'viewer')

    const kept = await page.evaluate('JSON.stringify([localStorage, sessionStorage, document.cookie, location.href])')
    assert.match(String(kept), /^\["?\{\}"?,"?\{\}"?,"","[^"]*\/console\/(#\/now)?"\]$/)
    await page.reload()

    await page.getByLabel('Password').waitFor()
  })

  it('forgets everything on logging out', async (t) => {
    const { page } = await entered(t, 'operator')

    await page.getByRole('button', { name: 'Log out' }).click()

    await page.getByLabel('Password').waitFor()
    assert.equal(await page.getByLabel('Password').inputValue(), '')
  })

  it('shows each role what it may do, and nothing else', async (t) => {
    const door = await startManaged(t)
    await connectJoe(door)
    const seen = async (role: Role) => {
      const { page } = await entered(t, role, door)
      const pages = await page.getByRole('navigation').getByRole('link').allInnerTexts()
      await goTo(page, '#/sessions?subject=joe.smith')
      await page.getByRole('link', { name: 'joe.smith' }).click()
      await page.getByRole('complementary').getByText('promoted by').waitFor()
      const buttons = await page.getByRole('main').getByRole('button').allInnerTexts()
      return { page, pages, acts: buttons.filter((text) => text.endsWith('…')) }
    }
    const viewer = await seen('viewer')
    assert.deepEqual(viewer.acts, [])
    assert.ok(!viewer.pages.includes('Blocks') && !viewer.pages.includes('Configuration'))
    for (const address of ['#/blocks', '#/configuration']) {
      await goTo(viewer.page, address)
      await viewer.page.getByText('This page needs the role').waitFor()
      assert.equal(await viewer.page.getByRole('main').getByRole('button').count(), 0)
    }
    const operator = await seen('operator')
    assert.deepEqual(operator.acts, ['End all of these …', 'End session …', 'Block person …'])
    assert.ok(operator.pages.includes('Blocks') && !operator.pages.includes('Configuration'))
    assert.ok((await seen('administrator')).pages.includes('Configuration'))
  })

  it('ends a session with a reason, by keyboard alone', async (t) => {
    const { page, door } = await entered(t, 'operator')
    const { gone } = await connectJoe(door)
    const press = async (...keys: string[]) => {
      for (const key of keys) await page.keyboard.press(key)
    }
    const focused = () => page.evaluate('document.activeElement?.innerText ?? ""')
    const tabTo = async (text: string) => {
      for (let count = 0; count < 40; count++) {
        if (String(await focused()).startsWith(text)) return
        await press('Tab')
      }
      assert.fail(`no way to "${text}" by Tab`)
    }

    await tabTo('Sessions')
    await press('Enter')
    await page.getByRole('link', { name: 'joe.smith' }).waitFor()
    await tabTo('joe.smith')
    await press('Enter')
    await page.getByRole('button', { name: 'End session' }).waitFor()
    await tabTo('End session')
    await press('Enter')
    await page.getByLabel('Reason').waitFor()
    await page.keyboard.type('a new contract')
    await press('Enter')

    assert.match((await within(gone, 'the end of the session')).message, /CONNECTION[_-]FORCED - a new contract/)
    await page.getByRole('status').getByText('1 session ended').waitFor()
    await page.getByText('This session is over').waitFor()
    const audited = await door.line('admin.kick', (line) => line['outcome'] === 'done')
    assert.deepEqual([audited['actor'], audited['reason']], ['operator', 'a new contract'])
  })

  it('ends all sessions that match, after saying how many', async (t) => {
    const { page, door } = await entered(t, 'operator')
    const clients = [await connectJoe(door), await connectJoe(door)]

    await goTo(page, '#/sessions')
    await page.getByLabel('Find by').selectOption('vhost')
    await page.getByLabel('The vhost to find').fill('/')
    await page.getByRole('button', { name: 'Find', exact: true }).click()
    await page.getByRole('button', { name: 'End all of these' }).click()
    await page.getByRole('heading', { name: 'End 2 sessions' }).waitFor()
    await page.getByRole('button', { name: 'End', exact: true }).click()

    await within(Promise.all(clients.map(({ gone }) => gone)), 'the end of both sessions')
    await page.getByText('No session is like that').waitFor()
  })

  it('blocks a person with a reason, and lifts the block', async (t) => {
    const { page, door } = await entered(t, 'operator')
    const { gone } = await connectJoe(door)

    await goTo(page, '#/sessions')
    await page.getByRole('link', { name: 'joe.smith' }).click()
    await page.getByRole('button', { name: 'Block person' }).click()
    await page.getByRole('button', { name: 'Block', exact: true }).click()
    assert.equal(await page.locator('dialog input:invalid').count(), 1)
    await page.getByLabel('Reason').fill('left the house')
    await page.getByRole('dialog').getByLabel('For').selectOption('8h')
    await page.getByRole('button', { name: 'Block', exact: true }).click()
    await within(gone, 'the end of the session')
    await page.getByRole('status').getByText('joe.smith is blocked; 1 session ended').waitFor()

    await goTo(page, '#/blocks')
    await page.getByRole('cell', { name: 'left the house' }).waitFor()
    await page.getByRole('button', { name: 'Lift the block of joe.smith' }).click()
    await page.getByRole('button', { name: 'Lift the block', exact: true }).click()
    await page.getByText('Nobody is blocked').waitFor()
    await (await connectJoe(door)).client.connection.close()
  })

  it('drains the gateway, and takes sessions again', async (t) => {
    const { page, door } = await entered(t, 'operator')
    const { gone } = await connectJoe(door)

    await page.getByRole('button', { name: 'Drain' }).click()
    await page.getByRole('dialog').getByLabel('Over').selectOption('10s')
    await page.getByRole('dialog').getByRole('button', { name: 'Drain' }).click()
    await within(gone, 'the end of the session', 90_000)
    await page.getByRole('button', { name: 'Take sessions again' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Take sessions' }).click()

    await page.getByRole('button', { name: 'Drain' }).waitFor()
    await (await connectJoe(door)).client.connection.close()
  })

  it('judges a candidate of a configuration, and says every mistake', async (t) => {
    const { page } = await entered(t, 'administrator')

    await goTo(page, '#/configuration')
    await page.getByLabel('The configuration in force').waitFor()
    await page.getByLabel('A configuration file').fill('listen: 5')
    await page.getByRole('button', { name: 'Try it' }).click()

    await page.getByText('The gateway would refuse it').waitFor()
    await page.getByRole('alert').getByRole('listitem').filter({ hasText: 'listen' }).first().waitFor()
  })

  it('goes back to the login when the gateway does not know one any more', async (t) => {
    const { page } = await entered(t, 'viewer')

    await page.route('**/api/v1/**', (route) =>
      route.fulfill({ status: 401, headers: { 'WWW-Authenticate': 'xBasic realm="x"' }, json: {} }),
    )

    await page.getByLabel('Password').waitFor()
  })

  it('shows no secret on any page', async (t) => {
    const { page, door } = await entered(t, 'administrator')
    await connectJoe(door)
    const answers: string[] = []
    page.on(
      'response',
      (response) =>
        void response.text().then(
          (text) => answers.push(text),
          () => undefined,
        ),
    )
    for (const name of await page.getByRole('navigation').getByRole('link').allInnerTexts()) {
      await page.getByRole('navigation').getByRole('link', { name }).click()
      await page.getByRole('heading', { name, level: 1 }).waitFor()
      const fields = await page.evaluate('[...document.querySelectorAll("textarea")].map(({ value }) => value).join()')
      refuseCanaries(name, `${await page.content()}${String(fields)}`)
    }
    await until(() => answers.length > 3, 'answers')
    const all = answers.join('\n')
    refuseCanaries('the answers', all)
    for (const secret of [PASSWORD, BROKER_PASSWORD, '$scrypt$']) assert.ok(!all.includes(secret))
  })
})
