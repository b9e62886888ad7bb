/** The type `passport`. */
import { z } from 'zod'
import { claimPlace, filePath, separator, text } from '../../schema/index.ts'
import type { AuthenticatorDescriptor, NamedFile } from '../descriptor.ts'
import { type PluginOptions, pluginAuthenticator } from './plugin.ts'

const schema = z.strictObject({
  type: z.literal('passport').describe('Any Passport strategy that decides on one request.'),
  module: text('the name of an installed package or the path of a module', 4096).describe(
    'Package name, or path beginning with `./`, `../` or `/`.',
  ),
  export: text('the name of an export', 128).prefault('Strategy').describe("The strategy's class in that module."),
  options: z
    .union([filePath, z.record(z.string(), z.unknown()), z.array(z.unknown())], {
      error: 'expected options (key: value), a list of arguments, or the path of a module that gives them',
    })
    .optional()
    .describe(
      "The strategy's options; or a list, where its constructor has several arguments before `verify`; or an ES module whose default export is one of these or a function that gives it.",
    ),
  verify: filePath
    .optional()
    .describe("ES module whose default export is the strategy's verify function, called as the strategy calls it."),
  subject: claimPlace.prefault('id').describe('Where in the user object the subject is, keys separated by dots.'),
  roles: claimPlace.prefault('roles').describe('Where in the user object the roles are: a list, or one role as text.'),
  rolesSeparator: separator.optional().describe('What stands between roles where they are one text.'),
  challenge: text('a challenge', 256)
    .optional()
    .describe('For `WWW-Authenticate`, such as `Bearer`; absent: what the strategy itself says.'),
  ambient: z
    .boolean()
    .prefault(true)
    .describe('Whether browsers attach this credential by themselves (cookies): if so, `origins: "*"` is refused.'),
})

export const passport: AuthenticatorDescriptor<typeof schema> = {
  schema,
  files: ({ options, verify }) => [
    ...(typeof options === 'string' ? [moduleAt('options', options)] : []),
    ...(verify === undefined ? [] : [moduleAt('verify', verify)]),
  ],
  ambient: ({ ambient }) =>
    ambient ? 'its credential may be attached by browsers (`ambient: false`, if not)' : undefined,
  async tryOut({ name, config }, { load }) {
    await pluginAuthenticator(optionsOf(name, config), { load })
    return []
  },
  make: async ({ name, config }, { load }) => await pluginAuthenticator(optionsOf(name, config), { load }),
}

function moduleAt(key: string, file: string): NamedFile {
  return { path: [key], file, holds: 'module' }
}

function optionsOf(name: string, { type: _type, ...settings }: z.output<typeof schema>): PluginOptions {
  return { name, ...settings }
}
