/** Configurations of fixtures/config in a private folder, where the modes of files are what a test wants them to be. */
import { chmodSync, cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import type { ConfigInput } from '../../src/config/schema/schema.ts'

const FIXTURES = join(import.meta.dirname, '../../fixtures/config')

/** What the environment holds for configurations of the fixtures. */
export const FIXTURE_ENV = {
  BEHIND_TLS: 'true',
  BROKER_HOST: 'localhost',
  PORT: '8080',
  SMITHJ_PASSWORD: 'smithj-password',
  WEBUSER_PASSWORD: 'webuser-password',
}

/** A copy of the fixtures, readable by their owner only; removed after the tests of the file. */
export function configFiles(): string {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-config-'))
  after(() => rmSync(folder, { recursive: true, force: true }))
  cpSync(FIXTURES, folder, { recursive: true })
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8', withFileTypes: false })) {
    const path = join(folder, name)
    chmodSync(path, name.includes('.') || name.includes('secrets/') ? 0o600 : 0o700)
  }
  return folder
}

/** The least configuration there can be, from code; it needs no file and no environment. */
export function minimalConfig(
  credential: { username: string; password: string } = { username: 'webuser', password: 'webuser-password' },
): ConfigInput {
  return {
    listen: { port: 0 },
    brokers: { main: { urls: ['amqp://127.0.0.1'], credentials: { webuser: credential } } },
    services: [{ path: '/amqp', broker: 'main', vhost: '/', anonymous: true, promote: [{ to: 'webuser' }] }],
  }
}
