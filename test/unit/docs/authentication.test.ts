/** What docs/authentication.md shows can be copied: its authenticators are accepted, its verify module works. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { pathToFileURL } from 'node:url'
import { parse, stringify } from 'yaml'
import { pluginAuthenticator } from '../../../auth/strategies/passport/plugin.ts'
import * as registry from '../../../auth/strategies/registry.ts'
import { parseConfig } from '../../../src/config/reading/load.ts'
import { authenticationRequest } from '../../support/authentication-request.ts'

const page = readFileSync(new URL('../../../docs/authentication.md', import.meta.url), 'utf8')
const examples = [...page.matchAll(/^```yaml\n((?:listen|authenticators):\n.*?)^```$/gms)].map(([, text = '']) => ({
  text,
  written: parse(text) as { listen?: object; authenticators: Record<string, { type: string }> },
}))

describe('docs/authentication.md', () => {
  it('has an example of every type', () => {
    const shown = examples.flatMap(({ written }) => Object.values(written.authenticators).map(({ type }) => type))
    assert.deepEqual([...new Set(shown)].sort(), Object.keys(registry).sort())
  })

  for (const { written } of examples) {
    const [name = ''] = Object.keys(written.authenticators)
    it(`has a configuration that is accepted: ${name}`, () => {
      const others = name === 'tickets' ? { tokens: examples[0]?.written.authenticators['sso'] } : {}
      const config = {
        listen: { port: 8080, behindTls: true },
        brokers: {
          main: { urls: ['amqp://127.0.0.1:5672'], credentials: { webuser: { username: 'a', password: 'b' } } },
        },
        ...written,
        authenticators: { ...written.authenticators, ...others },
        services: [
          {
            path: '/amqp',
            broker: 'main',
            vhost: '/',
            origins: ['https://app.example.com'],
            authenticate: [name, ...Object.keys(others)],
            promote: [{ to: 'webuser' }],
          },
        ],
      }
      parseConfig(stringify(config), { file: 'docs/authentication.md', env: {}, files: false })
    })
  }

  it('has a verify module that does what it says', async () => {
    const [, module = ''] = /^```js\n(\/\/ verify-machine\.mjs\n.*?)^```$/ms.exec(page) ?? []
    const folder = await mkdtemp(join(tmpdir(), 'gatehouse-docs-'))
    const file = join(folder, 'verify-machine.mjs')
    await writeFile(file, module)
    const load = async (name: string) =>
      (await import(name.startsWith('/') ? pathToFileURL(name).href : name)) as unknown
    const machines = await pluginAuthenticator(
      {
        name: 'machines',
        module: 'passport-http-bearer',
        export: 'Strategy',
        options: { realm: 'Machines' },
        verify: file,
        subject: 'id',
        roles: 'roles',
        ambient: false,
      },
      { load },
    )
    const ask = (token: string) =>
      machines.authenticate(authenticationRequest({ headers: [['Authorization', `Bearer ${token}`]] }))

    const outcome = await ask('1234')

    assert.equal(outcome.kind === 'proven' && outcome.identity.subject, 'press-7')
    assert.equal((await ask('4321')).kind, 'refused')
    await rm(folder, { recursive: true })
  })
})
