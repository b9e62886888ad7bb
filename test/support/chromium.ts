/**
 * Headless Chromium for tests, driven by playwright-core. From CHROMIUM_PATH, from the machine, or, as root on Debian and
 * Ubuntu, from the package (announced first). Everything stays on loopback: its own chatter with the net is off.
 */
import { type Browser, chromium } from 'playwright-core'
import { findCommand, installPackage, isExecutable, mayInstallPackages } from '../../src/demo/install.ts'

const COMMANDS = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome']
const MAC = '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome'

const FLAGS = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-default-apps',
  '--disable-domain-reliability',
  '--disable-client-side-phishing-detection',
  '--metrics-recording-only',
]

/** The browser's path; installs it where it can. @throws with what to do when there is none. */
export async function findChromium(
  env: NodeJS.ProcessEnv = process.env,
  say: (line: string) => void = (line) => process.stderr.write(`${line}\n`),
): Promise<string> {
  const given = env['CHROMIUM_PATH']
  if (given) {
    if (await isExecutable(given)) return given
    throw new Error(`CHROMIUM_PATH is ${given}, and there is no program there`)
  }
  const found = await lookAround(env)
  if (found !== undefined) return found
  if (await mayInstallPackages(env)) {
    await installPackage('chromium', { say, env })
    const installed = await lookAround(env)
    if (installed !== undefined) return installed
  }
  throw new Error(
    'The browser tests need Chromium: install it (Debian: apt-get install chromium) or set CHROMIUM_PATH.',
  )
}

async function lookAround(env: NodeJS.ProcessEnv): Promise<string | undefined> {
  for (const name of COMMANDS) {
    const path = await findCommand(name, env)
    if (path !== undefined) return path
  }
  return (await isExecutable(MAC)) ? MAC : undefined
}

/** A fresh headless browser with an empty profile; close it in `after`. */
export async function launchChromium(flags: readonly string[] = []): Promise<Browser> {
  return chromium.launch({
    executablePath: await findChromium(),
    headless: true,
    chromiumSandbox: process.getuid?.() !== 0,
    args: [...FLAGS, ...flags],
    timeout: 60_000,
  })
}
