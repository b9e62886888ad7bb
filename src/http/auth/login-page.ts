/**
 * The page for somebody whose login came to nothing: what happened and what to do, in plain words. It holds nothing of the
 * request but the way to try again, runs nothing, and asks nothing of anybody.
 */
import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { LoginFailureReason } from '../../../auth/index.ts'

export interface LoginPage {
  readonly reason: LoginFailureReason | 'barred'
  /** Where a login begins again, as browsers see it; undefined: the page does not know. */
  readonly again?: string | undefined
}

interface Words {
  readonly title: string
  readonly text: string
  /** What else helps, where there is no way to begin again from here. */
  readonly otherwise: string
}

const GO_BACK = 'Go back to the application and log in again.'
const ASK = 'If this happens again, tell the people who run this application when it happened.'

const WORDS: Readonly<Record<LoginPage['reason'], Words>> = {
  cancelled: {
    title: 'You are not logged in',
    text: 'The login was cancelled, or the login service does not let you use this application.',
    otherwise: GO_BACK,
  },
  expired: {
    title: 'This login took too long',
    text: 'A login has to be finished within ten minutes, in the tab in which it began. Nothing is lost.',
    otherwise: GO_BACK,
  },
  refused: {
    title: 'This login was not accepted',
    text: `The answer of the login service was not acceptable. ${ASK}`,
    otherwise: GO_BACK,
  },
  unavailable: {
    title: 'Nobody can log in at the moment',
    text: `The login service cannot be used now. Wait a minute, then try again. ${ASK}`,
    otherwise: GO_BACK,
  },
  unknown: {
    title: 'There is no login to finish',
    text: `This browser has begun no login here, or it has lost the cookie of it. Cookies have to be allowed. ${ASK}`,
    otherwise: GO_BACK,
  },
  malformed: {
    title: 'This link does not work',
    text: `The link that led here is wrong. ${ASK}`,
    otherwise: GO_BACK,
  },
  barred: {
    title: 'You cannot log in at the moment',
    text: 'The people who run this application have ended your access for now. Ask them when you may come back.',
    otherwise: '',
  },
}

const STYLE = `:root { color-scheme: light dark; --ink: #1b1f24; --paper: #fff; --link: #0b57d0 }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8eb; --paper: #15181c; --link: #8ab4f8 } }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; color: var(--ink); background: var(--paper); font: 1rem/1.5 system-ui, sans-serif }
main { max-width: 28rem; padding: 2rem 1.5rem }
h1 { margin: 0 0 .75rem; font-size: 1.375rem; line-height: 1.25 }
a { color: var(--link); font-weight: 600 }`

/** Nothing but its own style, by its hash. [CSP3 §2.3.1] */
const POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** With them it is sent. */
export const PAGE_HEADERS = { 'Content-Security-Policy': POLICY, Vary: 'Accept' } as const

/** Whether a person in a browser waits for the answer: browsers name HTML, programs JSON or nothing. [RFC 9110 §12.5.1] */
export function wantsPage({ headers: { accept = '' } }: IncomingMessage): boolean {
  const types = accept.split(',').map((one) => one.split(';', 1)[0]?.trim().toLowerCase())
  return types.includes('text/html')
}

/** The whole document. */
export function loginPage({ reason, again }: LoginPage): string {
  const { title, text, otherwise } = WORDS[reason]
  const next = again === undefined ? otherwise : `<a href="${escaped(again)}">Try again</a>`
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${title}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${title}</h1>
<p>${text}</p>
${next === '' ? '' : `<p>${next}</p>`}
</main>
</body>
</html>
`
}

function escaped(text: string): string {
  const entities: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  }
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? '')
}
