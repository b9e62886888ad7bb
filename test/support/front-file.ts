/** A file of deploy/haproxy or deploy/nginx, with the addresses of a test in the place of those for documentation. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import type { ConfigInput } from '../../src/index.ts'

const DEPLOY = join(import.meta.dirname, '../../deploy')
const KEYS = /^# In gatehouse\.yaml of both gateways:\n((?:# {3}.*\n)+)/m

/** Where the proxy stands, and where the two gateways of a file. */
export const FRONT_ADDRESS = '127.0.0.1'
export const GATEWAY_ADDRESSES = ['127.0.0.20', '127.0.0.21'] as const

export interface FrontPorts {
  readonly front: number
  readonly gateway: number
  readonly admin: number
}

export interface FrontFile {
  /** What the file says that gateways need, as read from its head. */
  readonly keys: Pick<ConfigInput, 'listen' | 'admin' | 'basePath'>
  /** To be run. */
  readonly text: string
}

/** What stands in a file, and what a test puts in its place; each must be there. */
type Replacements = readonly (readonly [string | RegExp, string])[]

export function frontFile(name: string, ports: FrontPorts, more: Replacements = []): FrontFile {
  const text = readFileSync(join(DEPLOY, name), 'utf8')
  const [, lines] = KEYS.exec(text) ?? []
  if (lines === undefined) throw new Error(`${name} does not say which keys the gateways need`)
  const keys = parse(lines.replaceAll(/^# {3}/gm, '').replaceAll('192.0.2.10', FRONT_ADDRESS)) as FrontFile['keys']
  const own: Replacements = [
    ['192.0.2.20', GATEWAY_ADDRESSES[0]],
    ['192.0.2.21', GATEWAY_ADDRESSES[1]],
    [/(?<=127\.0\.0\.2[01]:)8\d{3}/g, String(ports.gateway)],
    [/(?<=bind |listen )(?::|)443/g, `${FRONT_ADDRESS}:${ports.front}`],
    ...(text.includes('check port') ? ([['check port 8081', `check port ${ports.admin}`]] as const) : []),
  ]
  return { keys, text: [...own, ...more].reduce((result, one) => replaced(name, result, one), text) }
}

function replaced(name: string, text: string, [what, by]: Replacements[number]): string {
  const result = text.replaceAll(what, by)
  if (result === text) throw new Error(`${name}: there is no ${String(what)}`)
  return result
}
