/**
 * A strategy's first run, before anybody can connect: on a request that carries nothing. Whatever could never let
 * anybody in (a redirect, a form, a session), or would let everybody in, is found here and not by the first user.
 */
import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { within } from '../../deadline.ts'
import type { StrategyRun, StrategyVerdict } from '../strategy.ts'
import { pluginRequest } from './plugin-request.ts'

/** What came of it: a mistake with what to do, or nothing, and the strategy's challenge where it said one. */
export interface StrategyTrial {
  readonly mistake?: string
  readonly verdict?: StrategyVerdict
}

const TRIAL_MS = 2000
/** Where an upgrade can carry a credential. */
const CARRIERS = [
  'headers',
  'rawHeaders',
  'cookies',
  'signedCookies',
  'get',
  'header',
  'socket',
  'connection',
  'client',
]
/** They ask for a form only when a cookie is there. */
const FORM_LATER = ['passport-google-one-tap']
const NOT_THERE = ['body', 'query', 'params']

const REDIRECTS =
  'the strategy sends browsers elsewhere or needs a session, and an upgrade can do neither: for a login at an OpenID ' +
  'provider use `type: oidc`, for its tokens `type: jwt`'
const FORM =
  'the strategy reads its credential from a form or the address, and an upgrade has no form: tell it by its `options` to ' +
  'read a header (passport-ldapauth: `credentialsLookup`), or use `type: basic`, or a strategy that reads headers'
const ADMITS = 'the strategy lets in a request that carries no credential at all'
const PASSES = 'the strategy looks at nothing and proves nobody; `anonymous: true` of a service lets everybody in'

/** Never rejects. `module` is where the strategy is from. */
export async function tryStrategy(run: StrategyRun, module: string): Promise<StrategyTrial> {
  if (FORM_LATER.includes(module)) return { mistake: FORM }
  const read = new Set<string>()
  const request = recording(pluginRequest(emptyRequest()), read)
  try {
    const verdict = await within(TRIAL_MS, 'the strategy', run(request))
    const mistake = mistakeIn(verdict, read)
    return mistake === undefined ? { verdict } : { mistake }
  } catch (error) {
    const mistake = mistakeOf(error, read)
    return mistake === undefined ? {} : { mistake }
  }
}

function emptyRequest(): IncomingMessage {
  const http = new IncomingMessage(new Socket())
  http.method = 'GET'
  http.url = '/'
  return http
}

/** Notes which of the request's parts are read. */
function recording(request: IncomingMessage, read: Set<string>): IncomingMessage {
  return new Proxy(request, {
    get(target, key) {
      if (typeof key === 'string') read.add(key)
      return Reflect.get(target, key) as unknown
    },
  })
}

function mistakeIn(verdict: StrategyVerdict, read: ReadonlySet<string>): string | undefined {
  if (verdict.kind === 'success') return ADMITS
  if (verdict.kind === 'redirect' || read.has('session')) return REDIRECTS
  if (CARRIERS.some((carrier) => read.has(carrier)) || read.has('url')) return undefined
  if (NOT_THERE.some((part) => read.has(part))) return FORM
  return verdict.kind === 'pass' ? PASSES : undefined
}

/** A server that does not answer yet is no mistake. */
function mistakeOf(error: unknown, read: ReadonlySet<string>): string | undefined {
  if (!(error instanceof Error) || 'code' in error || error.message.startsWith('the strategy took longer'))
    return undefined
  if (read.has('session') || /\bsession/i.test(error.message)) return REDIRECTS
  const help = / is not a function/.test(error.message)
    ? '; functions are given by a module: name its file as `options`'
    : ''
  return `the strategy fails on a request that carries no credential: ${error.message}${help}`
}
