/**
 * Which values of a configuration are more than text: secrets, paths of files, and templates with variables. `*` is any one key
 * or index, `**` the rest. A test compares the files with the schema, so that none is forgotten.
 */
import type { Path } from './problems.ts'

type Pattern = readonly string[]

const pattern = (text: string): Pattern => text.split('.')

/** Secrets: text, or where they are. */
const SECRETS = [
  'brokers.*.credentials.*.password',
  'brokers.*.credentials.*.oauth2.clientSecret',
  'brokers.*.credentials.*.exchange.clientSecret',
  'authenticators.*.clientSecret',
  'authenticators.*.secret',
  'authenticators.*.bind.password',
  'services.*.promote.*.to.password',
  'services.*.entitlements.secret',
  'state.password',
  'state.sentinel.password',
  'state.key',
  'state.key.*',
].map(pattern)

/** Paths of files, made absolute against the folder of the configuration. */
const FILES = [
  ...SECRETS.map((secret) => [...secret, 'file']),
  ...[
    'listen.tls.cert',
    'listen.tls.key',
    'listen.tls.clientCertificates.ca',
    'listen.*.tls.cert',
    'listen.*.tls.key',
    'listen.*.tls.clientCertificates.ca',
    ...['ca', 'cert', 'key'].flatMap((file) => [`listen.door.tls.${file}`, `listen.*.door.tls.${file}`]),
    'admin.tls.cert',
    'admin.tls.key',
    'admin.tls.clientCertificates.ca',
    'blocks',
    'secretKeys.*.file',
    'brokers.*.tls.ca',
    'brokers.*.tls.cert',
    'brokers.*.tls.key',
    'brokers.*.credentials.*.module',
    'authenticators.*.users',
    'authenticators.*.jwksFile',
    'authenticators.*.keytab',
    'authenticators.*.tls.ca',
    'authenticators.*.options',
    'authenticators.*.verify',
    'services.*.entitlements.module',
    'state.tls.ca',
    'state.tls.cert',
    'state.tls.key',
  ].map(pattern),
]

/** Text with variables: `${subject}` and its like. Everywhere else `${` is an error unless it is `${env:NAME}`. */
const TEMPLATES = {
  username: ['services.*.promote.*.to.username'].map(pattern),
  file: ['services.*.promote.*.to.password.file'].map(pattern),
  stamp: ['services.*.stamp.appId', 'services.*.stamp.headers.*'].map(pattern),
  permission: ['configure', 'write', 'read'].map((kind) => pattern(`services.*.permissions.*.${kind}.**`)),
} as const

export type TemplateKind = keyof typeof TEMPLATES

function fits(path: Path, pattern: Pattern): boolean {
  if (pattern.at(-1) === '**') {
    const start = pattern.slice(0, -1)
    return path.length > start.length && fits(path.slice(0, start.length), start)
  }
  return path.length === pattern.length && pattern.every((segment, index) => segment === '*' || segment === path[index])
}

/** Whether a secret may stand at this path. */
export function isSecretPlace(path: Path): boolean {
  return SECRETS.some((pattern) => fits(path, pattern))
}

/** Whether the text at this path names a file. `module` of a strategy may be a package: only what begins like a path is one. */
export function isFilePlace(path: Path, text: string): boolean {
  if (fits(path, ['authenticators', '*', 'module'])) return /^\.{0,2}\//.test(text)
  return FILES.some((pattern) => fits(path, pattern))
}

/** Which variables the text at this path may have; `undefined` where it may have none. */
export function templateKind(path: Path): TemplateKind | undefined {
  const kinds = Object.keys(TEMPLATES) as TemplateKind[]
  return kinds.find((kind) => TEMPLATES[kind].some((pattern) => fits(path, pattern)))
}
