/**
 * What a broker needs, as a script for its own command line. No password is in it: a line reads it from where the gateway
 * reads it, or asks at the terminal.
 */
import { type BrokerLogin, type BrokerNeeds, type BrokerUserNeeds, rightsOf } from './broker-needs.ts'
import { shellWord } from './shell-word.ts'

/** RabbitMQ makes it itself. */
const FIRST_VHOST = '/'

/** Lines for a POSIX shell. */
export function rabbitmqctlLines({ broker, vhosts, users, notes }: BrokerNeeds): readonly string[] {
  return [
    `# broker ${comment(broker)}`,
    ...notes.map((note) => `# note: ${comment(note)}`),
    ...vhosts.filter((vhost) => vhost !== FIRST_VHOST).map((vhost) => `rabbitmqctl add_vhost ${shellWord(vhost)}`),
    ...users.flatMap(userLines),
  ]
}

function userLines({ name, login, isImpersonator, permissions }: BrokerUserNeeds): string[] {
  const lines = [...permissions].map(([vhost, granted]) => {
    const { configure, write, read } = rightsOf(granted, name)
    return ['rabbitmqctl set_permissions -p', ...[vhost, name, configure, write, read].map(shellWord)].join(' ')
  })
  if (login.kind === 'token') {
    const why = `# user ${comment(name)} is known by its token, of which the scopes must give these rights:`
    return [why, ...lines.map((line) => `#   ${comment(line)}`)]
  }
  const tag = isImpersonator
    ? ['# replaces other tags of this user', `rabbitmqctl set_user_tags ${shellWord(name)} impersonator`]
    : []
  return [...addLines(shellWord(name), login), ...tag, ...lines]
}

function addLines(name: string, login: Exclude<BrokerLogin, { kind: 'token' }>): string[] {
  const add = `rabbitmqctl add_user ${name}`
  // RabbitMQ adds no user without a password, and takes it away afterwards.
  if (login.kind === 'certificate')
    return [`head -c 32 /dev/urandom | base64 | ${add} && rabbitmqctl clear_password ${name}`]
  const { source, place } = login
  switch (source.kind) {
    case 'file':
      return [`${add} < ${shellWord(source.path)}`]
    case 'env':
      return [`printf '%s\\n' "$${source.name}" | ${add}`]
    case 'text':
    case 'encrypted':
      return [`# asks for the password at ${comment(place)}`, `${add} < /dev/tty`]
  }
}

/** One line, whatever is in it. */
function comment(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, ' ')
}
