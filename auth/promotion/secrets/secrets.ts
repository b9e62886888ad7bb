/**
 * Where secrets come from: the configuration itself, the environment, a file, or an encrypted text. Files and
 * environment are reached only through the functions that the composition root hands over, and nothing is kept here: each
 * session asks again, so that a changed secret applies as soon as they give it.
 */
import { within } from '../../deadline.ts'
import { PromotionRefused } from '../../errors.ts'
import { Secret } from '../../secret.ts'
import { compileTemplate, literal, type VariableFacts } from '../conditions/variables.ts'
import type { SecretInput, SecretSources } from '../input.ts'
import { decrypt, EncryptionError } from './encrypted.ts'

const READ_DEADLINE_MS = 5000
/** RabbitMQ reads a whole SASL response from one frame; and no password is longer. */
const MAX_SECRET_BYTES = 4096

export interface SecretReader {
  /** Whether reading it needs to know who asks. */
  readonly isTemplate: boolean
  /**
   * @throws PromotionRefused 'secret-unavailable' when it is missing, empty, too long or not to be decrypted ·
   *   'bad-value' when a variable does not fit into the file's name. No message shows the secret.
   */
  read(facts: VariableFacts | undefined): Promise<Secret>
}

/** @throws SyntaxError for a file name with a wrong variable */
export function compileSecret(
  input: SecretInput,
  sources: SecretSources,
  options: { readonly template: boolean },
): SecretReader {
  switch (input.kind) {
    case 'text': {
      const secret = new Secret(input.text)
      return reader(() => secret)
    }
    case 'env':
      return reader(() => {
        const value = sources.env(input.name)
        if (value === undefined) throw unavailable(`the environment variable ${input.name} is not set`)
        return new Secret(value)
      })
    case 'encrypted':
      return reader(() => {
        try {
          return decrypt(input.value, input.place, sources.keys ?? new Map())
        } catch (cause) {
          throw cause instanceof EncryptionError ? unavailable(cause.message, cause) : cause
        }
      })
    case 'file':
      return fileReader(input.path, sources, options.template)
  }
}

/** Reads a secret that depends on nobody. */
export function readerOf(input: SecretInput, sources: SecretSources): () => Promise<Secret> {
  const secret = compileSecret(input, sources, { template: false })
  return async () => await secret.read(undefined)
}

function reader(find: () => Secret): SecretReader {
  return { isTemplate: false, read: async () => bounded(find()) }
}

function fileReader(path: string, sources: SecretSources, mayVary: boolean): SecretReader {
  const template = mayVary ? compileTemplate(path) : undefined
  return {
    isTemplate: template !== undefined && template.constant === undefined,
    async read(facts) {
      const file = template === undefined || facts === undefined ? path : template.render(facts, literal)
      const bytes = await within(READ_DEADLINE_MS, `reading ${file}`, sources.readFile(file)).catch(
        (cause: unknown) => {
          throw unavailable(
            `the secret file ${file} cannot be read: ${cause instanceof Error ? cause.message : 'unknown error'}`,
            cause,
          )
        },
      )
      const secret = new Secret(withoutLastNewline(bytes))
      bytes.fill(0)
      return bounded(secret, ` in ${file}`)
    },
  }
}

function withoutLastNewline(bytes: Buffer): Buffer {
  if (bytes.at(-1) !== 0x0a) return bytes
  return bytes.subarray(0, bytes.at(-2) === 0x0d ? -2 : -1)
}

function bounded(secret: Secret, where = ''): Secret {
  if (secret.byteLength === 0) throw unavailable(`the secret${where} is empty`)
  if (secret.byteLength > MAX_SECRET_BYTES)
    throw unavailable(`the secret${where} is longer than ${MAX_SECRET_BYTES} bytes`)
  return secret
}

function unavailable(detail: string, cause?: unknown): PromotionRefused {
  return new PromotionRefused('secret-unavailable', detail, { cause })
}
