/** A broker user and its password: constant with a name, a template in a rule of its own. */
import type { SaslMechanism } from '../../../proxy/index.ts'
import { InvalidConfiguration, type Mistake, PromotionRefused } from '../../errors.ts'
import { compileTemplate, literal, type Template, type VariableFacts } from '../conditions/variables.ts'
import type { PasswordCredentialInput, SecretSources } from '../input.ts'
import { compileSecret } from '../secrets/secrets.ts'
import { brokerCredential, refuseControlBytes, usernameProblem } from './broker-credential.ts'
import type { Credential } from './credential.ts'

/** What promotion answers where the configuration does not choose: whichever of the two the broker offers. */
export const PASSWORD_MECHANISMS: readonly SaslMechanism[] = ['PLAIN', 'AMQPLAIN']

/** @throws InvalidConfiguration with every mistake */
export function passwordCredential(
  input: PasswordCredentialInput,
  sources: SecretSources,
  name: string | undefined,
): Credential {
  const problems: Mistake[] = []
  const isTemplate = name === undefined
  const allowLoopbackUser = input.allowLoopbackUser ?? false
  const template = attempt(['username'], problems, () =>
    usernameTemplate(input.username, isTemplate, allowLoopbackUser),
  )
  const secret = attempt(['password'], problems, () => compileSecret(input.password, sources, { template: isTemplate }))
  if (template === undefined || secret === undefined) throw new InvalidConfiguration(problems)
  const mechanisms = input.mechanism === undefined ? PASSWORD_MECHANISMS : [input.mechanism]
  const username = (facts: VariableFacts) => {
    const value = template.render(facts, literal)
    const wrong = usernameProblem(value, allowLoopbackUser)
    if (wrong !== undefined) throw new PromotionRefused('bad-value', `the broker user ${wrong}`)
    return value
  }
  const read = async (facts: VariableFacts | undefined) => {
    const found = await secret.read(facts)
    refuseControlBytes(found)
    return found
  }
  return {
    name,
    mechanisms,
    checkedPath: ['password'],
    username,
    async build(facts) {
      const user = username(facts)
      const { identity, address, session } = facts
      return brokerCredential({
        username: user,
        mechanisms,
        password: await read({ identity, address, session, user }),
      })
    },
    async check() {
      if (!secret.isTemplate) await read(undefined)
    },
  }
}

function attempt<T>(path: readonly string[], problems: Mistake[], compile: () => T): T | undefined {
  try {
    return compile()
  } catch (error) {
    if (!(error instanceof Error)) throw error
    problems.push({ path, message: error.message })
    return undefined
  }
}

function usernameTemplate(text: string, isTemplate: boolean, allowLoopbackUser: boolean): Template {
  const template = isTemplate ? compileTemplate(text, ['user']) : undefined
  if (template !== undefined && template.constant === undefined) return template
  const constant = template?.constant ?? text
  const wrong = usernameProblem(constant, allowLoopbackUser)
  if (wrong !== undefined) throw new Error(`the broker user ${wrong}`)
  return { constant, variables: [], parts: [{ variable: false, text: constant }], render: () => constant }
}
