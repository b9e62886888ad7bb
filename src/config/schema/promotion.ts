/** The ordered rules that turn a proven identity into a broker credential. First match wins; none: refused. */
import { z } from 'zod'
import { passwordFields } from './brokers.ts'
import { ruleLimits } from './limits.ts'
import { when } from './matching.ts'
import { secret } from './secrets.ts'
import { atLeastOne, name, text } from './units.ts'

/** A vhost's name as the wire takes it. [AMQP §4.2.5.3] */
export const vhost = text('the name of a vhost', 255)

/** Fits behind `ACCESS_REFUSED - ` into a reply-text. [AMQP §1.4.2.10] */
const REFUSAL_BYTES = 200

const template = z.strictObject({
  ...passwordFields,
  username: text('the name of a broker user, variables allowed', 1024).describe(
    'Broker user; variables such as `subject` are filled in as data.',
  ),
  password: secret.describe('Its password; variables are filled in where it is a file.'),
})

const ONE_OF = 'expected either `to` (promotes) or `refuse` (a text)'

const rule = z
  .strictObject({
    when: when.prefault({}).describe('Whom it is for; absent: everyone.'),
    to: z
      .union([name, template], {
        error: "expected the name of one of the broker's credentials, or { username, password }",
      })
      .optional()
      .describe("One of the broker's credentials by name, or a template."),
    refuse: text('the text that the client reads', REFUSAL_BYTES)
      .refine((value) => Buffer.byteLength(value) <= REFUSAL_BYTES, {
        error: `expected a text of at most ${REFUSAL_BYTES} bytes`,
      })
      .optional()
      .describe('Instead of `to`: whoever matches is refused, and reads this text.'),
    vhost: vhost.optional().describe("Pins the vhost, before the service's."),
    vhosts: atLeastOne(vhost, 'vhosts')
      .optional()
      .describe("Vhosts among which the client chooses, before the service's."),
    limits: ruleLimits.optional(),
    tags: z.array(name).prefault([]).describe('Labels that `for: { tag }` of permissions refers to.'),
  })
  .superRefine(({ to, refuse }, context) => {
    if (to === undefined && refuse === undefined) context.addIssue({ code: 'custom', message: ONE_OF })
    if (to !== undefined && refuse !== undefined)
      context.addIssue({ code: 'custom', message: `${ONE_OF}, not both`, path: ['refuse'] })
  })

export const promote = atLeastOne(rule, 'promotion rules')
