/** Names for which a policy grants something, one for each rule: for asking a broker whether it grants the same. */
import { compileTemplate } from '../promotion/conditions/variables.ts'
import { type Lists, SERVER_NAMED_PREFIX, wordOf } from './broker-rights.ts'
import type { GrantList } from './grants.ts'
import type { GrantInput } from './input.ts'

export interface BrokerName {
  readonly list: GrantList
  readonly kind: 'queue' | 'exchange'
  readonly name: string
  /** Whether part of the name was made up, so that nothing is called so. */
  readonly isInvented: boolean
}

const LISTS = ['configure', 'write', 'read'] as const

/** @param invented stands for whatever a pattern leaves open */
export function brokerNames(entries: readonly Lists[], brokerUser: string | undefined, invented: string): BrokerName[] {
  const names = new Map<string, BrokerName>()
  for (const entry of entries)
    for (const list of LISTS)
      for (const grant of entry[list])
        for (const found of namesOf(list, grant, brokerUser, invented))
          names.set(`${found.list} ${found.kind} ${found.name}`, found)
  return [...names.values()]
}

function namesOf(list: GrantList, grant: GrantInput, brokerUser: string | undefined, invented: string): BrokerName[] {
  const kind = 'queue' in grant ? 'queue' : 'exchange'
  const pattern = 'queue' in grant ? grant.queue : grant.exchange
  if (pattern === '') {
    const name = `${SERVER_NAMED_PREFIX}${invented}`
    return LISTS.map((each) => ({ list: each, kind, name, isInvented: true }))
  }
  const user = wordOf(brokerUser)
  const parts = compileTemplate(pattern).parts.map(({ variable, text }) => {
    if (variable) return text === 'user' && user !== undefined ? user : invented
    return text.replaceAll('*', () => invented).replaceAll('?', 'x')
  })
  const name = parts.join('')
  return [{ list, kind, name, isInvented: name.includes(invented) }]
}
