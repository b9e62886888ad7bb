/** Who is asked what an identity may do, beside what is written: a service by its URL, or a module. */
import { z } from 'zod'
import { secret } from './secrets.ts'
import { duration, filePath, issuerUrl } from './units.ts'

const ONE_OF = 'expected either `url` or `module`'

export const entitlements = z
  .strictObject({
    url: issuerUrl
      .optional()
      .describe('Asked by POST with `{ input }`, as Open Policy Agent takes it; https, or http on a loopback address.'),
    module: filePath
      .optional()
      .describe('ES module whose default export is `(input, { options, signal }) => answer`, instead of `url`.'),
    options: z.record(z.string(), z.unknown()).optional().describe('Handed to the module as they are.'),
    secret: secret.optional().describe('Sent to `url` as a bearer token.'),
    timeout: duration('10ms', '10s').prefault('1s').describe('Time for one answer.'),
    refresh: duration('1s', '24h')
      .prefault('5m')
      .describe('How often it is asked again for live sessions, one question for each identity.'),
    staleFor: duration('0s', '24h')
      .prefault('5m')
      .describe('How long live sessions keep the last answer when none arrives; then they end.'),
  })
  .superRefine(({ url, module, options, secret: token }, context) => {
    const issue = (message: string, ...path: string[]) => context.addIssue({ code: 'custom', message, path })
    if (url === undefined && module === undefined) issue(ONE_OF)
    if (url !== undefined && module !== undefined) issue(`${ONE_OF}, not both`, 'module')
    if (url !== undefined && options !== undefined) issue('`options` go with `module`', 'options')
    if (module !== undefined && token !== undefined) issue('`secret` goes with `url`', 'secret')
  })
