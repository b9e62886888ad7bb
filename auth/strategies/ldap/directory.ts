/** People and their groups in a directory: found, proven by their password, and found again. */
import { type Entry, failureOf, hasResultCode, type LdapClient, type MakeClient, saysNo } from './client.ts'
import { Connections, DirectoryRefusal, type Server, type ServiceLogin } from './connections.ts'
import { escapedValue, filledIn, userAttribute } from './escape.ts'

export interface DirectoryOptions {
  readonly server: Server
  /** The gateway searches as this one; or everybody binds by the template alone. */
  readonly bind: ServiceLogin | { readonly template: string }
  /** `{user}` in the filter stands for the name. Where people bind by a template it may be absent. */
  readonly users: { readonly base: string; readonly filter: string } | undefined
  /** `{dn}` in the filter stands for the person's entry. */
  readonly groups:
    | { readonly base: string; readonly filter: string; readonly role: string; readonly nested: boolean }
    | undefined
}

export interface DirectoryPerson {
  /** As the directory writes the name, whatever was typed. */
  readonly name: string
  readonly dn: string
  readonly roles: readonly string[]
}

const TIME_LIMIT_SECONDS = 5
const GROUPS_MAX = 1000
const NESTED_LEVELS_MAX = 10
/** Where a template makes no name of an entry, as in `{user}@corp.example.com`, only these characters fit. */
const PLAIN_NAME = /^[A-Za-z0-9._@-]{1,128}$/

export class Directory {
  readonly #options: DirectoryOptions
  readonly #attribute: string
  readonly #connections: Connections

  constructor(make: MakeClient, options: DirectoryOptions) {
    const { bind, users, server } = options
    this.#options = options
    this.#attribute = userAttribute(users?.filter ?? ('template' in bind ? bind.template : '')) ?? ''
    this.#connections = new Connections(make, server, 'template' in bind ? undefined : bind)
  }

  /** Undefined: wrong name or password. The password is not empty. @throws an `Error` in operators' words */
  async prove(user: string, password: string): Promise<DirectoryPerson | undefined> {
    const { bind } = this.#options
    return 'template' in bind
      ? await this.#proveByTemplate(bind.template, user, password)
      : await this.#proveBySearch(user, password)
  }

  /** The same person as it is now; undefined: there is none any more. Only where the gateway itself searches. */
  async again(name: string): Promise<DirectoryPerson | undefined> {
    return await this.#connections.asService(async (client) => {
      const entry = await this.#find(client, name)
      return entry === undefined ? undefined : await this.#person(client, entry, name)
    })
  }

  get canLookAgain(): boolean {
    return !('template' in this.#options.bind)
  }

  close(): void {
    this.#connections.close()
  }

  async #proveBySearch(user: string, password: string): Promise<DirectoryPerson | undefined> {
    const entry = await this.#connections.asService((client) => this.#find(client, user))
    // Whoever measures time learns nothing of whether there is such a name: it is tried all the same.
    const dn = entry?.dn ?? `${this.#attribute}=nobody,${this.#options.users?.base ?? ''}`
    const isRight = await this.#connections.alone(
      (client) => bound(client, dn, password),
      async (_client, is) => is,
    )
    if (entry === undefined || !isRight) return undefined
    return await this.#connections.asService((client) => this.#person(client, entry, user))
  }

  async #proveByTemplate(template: string, user: string, password: string): Promise<DirectoryPerson | undefined> {
    const isDn = template.includes('=')
    if (!isDn && !PLAIN_NAME.test(user)) return undefined
    const name = filledIn(template, 'user', isDn ? escapedValue(user) : user)
    return await this.#connections.alone(
      (client) => bound(client, name, password),
      async (client, isRight) => {
        if (!isRight) return undefined
        const entry = this.#options.users === undefined ? await this.#own(client, name) : await this.#find(client, user)
        if (entry === undefined) throw new Error(`the directory shows ${name} no entry of its own`)
        return await this.#person(client, entry, user)
      },
    )
  }

  async #own(client: LdapClient, dn: string): Promise<Entry | undefined> {
    return (await this.#search(client, dn, '(objectClass=*)', [this.#attribute], 'base'))[0]
  }

  /** Undefined where there is none, or more than one. */
  async #find(client: LdapClient, user: string): Promise<Entry | undefined> {
    const { users } = this.#options
    if (users === undefined) return undefined
    const filter = filledIn(users.filter, 'user', escapedValue(user))
    const found = await this.#search(client, users.base, filter, [this.#attribute])
    return found.length === 1 ? found[0] : undefined
  }

  async #person(client: LdapClient, entry: Entry, typed: string): Promise<DirectoryPerson> {
    const values = valuesOf(entry, this.#attribute)
    const name = values.find((value) => value.toLowerCase() === typed.toLowerCase()) ?? values[0]
    if (name === undefined)
      throw new Error(`the directory does not show the attribute ${this.#attribute} of ${entry.dn}`)
    return { name, dn: entry.dn, roles: await this.#roles(client, entry.dn) }
  }

  async #roles(client: LdapClient, person: string): Promise<readonly string[]> {
    const { groups } = this.#options
    if (groups === undefined) return []
    const found = new Map<string, Entry>()
    let members = [person]
    for (let level = 0; members.length > 0 && level < (groups.nested ? NESTED_LEVELS_MAX : 1); level += 1) {
      const next: string[] = []
      for (const dn of members) {
        const filter = filledIn(groups.filter, 'dn', escapedValue(dn))
        for (const group of await this.#search(client, groups.base, filter, [groups.role])) {
          if (found.has(group.dn.toLowerCase())) continue
          found.set(group.dn.toLowerCase(), group)
          next.push(group.dn)
        }
        if (found.size > GROUPS_MAX) throw new Error(`${person} is in more than ${GROUPS_MAX} groups`)
      }
      members = next
    }
    return [...new Set([...found.values()].flatMap((group) => valuesOf(group, groups.role)))]
  }

  async #search(
    client: LdapClient,
    base: string,
    filter: string,
    attributes: readonly string[],
    scope: 'base' | 'sub' = 'sub',
  ): Promise<readonly Entry[]> {
    const options = { scope, filter, attributes, sizeLimit: GROUPS_MAX + 1, timeLimit: TIME_LIMIT_SECONDS }
    // The package would connect again by itself, as nobody: whom it finds then is not all that there is.
    if (!client.isConnected) throw new Error('the connection to the directory was lost')
    try {
      return (await client.search(base, options)).searchEntries
    } catch (error) {
      throw new Error(`the directory does not search below ${base}: ${failureOf(error)}`, { cause: error })
    }
  }
}

/** Whether the directory takes this password. @throws an `Error` in operators' words */
async function bound(client: LdapClient, dn: string, password: string): Promise<boolean> {
  try {
    await client.bind(dn, password)
    return true
  } catch (error) {
    if (saysNo(error)) return false
    if (!hasResultCode(error)) throw error
    throw new DirectoryRefusal(`the directory does not decide about a password: ${failureOf(error)}`, { cause: error })
  }
}

/** Texts only: what is no UTF-8 comes as bytes. */
function valuesOf(entry: Entry, attribute: string): readonly string[] {
  const key = Object.keys(entry).find((name) => name.toLowerCase() === attribute.toLowerCase())
  const value = key === undefined ? [] : entry[key]
  const list: readonly unknown[] = Array.isArray(value) ? value : [value]
  return list.filter((one) => typeof one === 'string' && one !== '').map(String)
}
