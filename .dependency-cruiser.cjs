// The arrows of the house (docs/architecture.md): src → auth → types of proxy, src → proxy, proxy → nothing.
// Each package that means a layer (ws: HTTP, yaml: configuration, …) may be imported in that layer only.

const npm = (...names) => `(^|/)node_modules/(@types/)?(${names.join('|')})(/|$)`

/** A package and the only place that may import it. */
const home = (name, packages, place) => ({
  name: `${name}-has-one-home`,
  comment: `${packages.join(', ')}: only in ${place}`,
  severity: 'error',
  from: { path: '^(proxy|auth|src)/', pathNot: place },
  to: { path: npm(...packages) },
})

/** A room of src/, and all that it may import of src/. */
const below = (room, comment, rooms) => ({
  name: `${room}-knows-what-is-below`,
  comment: `${room}: ${comment}`,
  severity: 'error',
  from: { path: `^src/${room}/` },
  to: { path: '^src/', pathNot: `^src/(${rooms})(/|$)` },
})

module.exports = {
  forbidden: [
    {
      name: 'proxy-stands-alone',
      comment: 'proxy/ imports node:* and itself',
      severity: 'error',
      from: { path: '^proxy/' },
      to: { pathNot: '^proxy/', dependencyTypesNot: ['core'] },
    },
    {
      name: 'proxy-knows-no-http-and-no-files',
      comment: 'proxy/ knows no HTTP, no files, no process, no console',
      severity: 'error',
      from: { path: '^proxy/' },
      to: { path: '^(node:)?(http|https|http2|fs|fs/promises|process|console|child_process|readline)$' },
    },
    {
      name: 'auth-sees-types-of-proxy-only',
      comment: 'auth/ imports types from proxy/index.ts, and nothing else of it',
      severity: 'error',
      from: { path: '^auth/' },
      to: { path: '^proxy/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'auth-uses-the-door-of-proxy',
      severity: 'error',
      from: { path: '^auth/' },
      to: { path: '^proxy/', pathNot: '^proxy/index\\.ts$' },
    },
    {
      name: 'auth-knows-no-root',
      comment: 'auth/ imports node:*, its libraries and itself',
      severity: 'error',
      from: { path: '^auth/' },
      to: { path: '^(src|test|scripts)/' },
    },
    {
      name: 'auth-reads-nothing-itself',
      comment: 'auth/ reads files, arguments and environment through what src/ hands it',
      severity: 'error',
      from: { path: '^auth/' },
      to: { path: '^(node:)?(fs|fs/promises|process|console|child_process|readline)$' },
    },
    {
      name: 'state-knows-no-strategies',
      comment: 'auth/state/ knows no HTTP and no strategies',
      severity: 'error',
      from: { path: '^auth/state/' },
      to: { path: '^(node:)?https?2?$|^auth/(strategies|promotion|policy)/' },
    },
    {
      name: 'strategies-know-no-memory',
      comment: 'auth/strategies/ reaches state through its interfaces only',
      severity: 'error',
      from: { path: '^auth/strategies/' },
      to: { path: '^auth/state/memory/' },
    },
    {
      name: 'schemas-are-in-descriptors',
      comment:
        'in auth/strategies/, schemas are in descriptors and in what descriptors share: authenticators get plain options',
      severity: 'error',
      from: { path: '^auth/strategies/', pathNot: '/(descriptor|authenticator-types|[a-z]+-schema|claim-keys)\\.ts$' },
      to: { path: npm('zod') },
    },
    {
      name: 'types-are-known-to-the-registry',
      comment: 'one line of registry.ts names a descriptor; the house asks authenticator-types.ts',
      severity: 'error',
      from: { path: '^(proxy|auth|src)/', pathNot: '^auth/strategies/registry\\.ts$' },
      to: { path: '^auth/strategies/[^/]+/descriptor\\.ts$' },
    },
    {
      name: 'src-uses-the-doors',
      comment:
        'src/ imports proxy/ and auth/ only through their index.ts; the values of configurations have one of their own',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(proxy|auth)/', pathNot: '^(proxy|auth|auth/schema)/index\\.ts$' },
    },
    below('ops', 'config, ops and the doors', 'config|ops'),
    below('brokers', 'and what ops and config know', 'brokers|config|ops'),
    below('websocket', 'and what ops know', 'websocket|ops'),
    below(
      'services',
      'brokers, WebSockets and what is made of the configuration',
      'services|brokers|websocket|wiring|config|ops',
    ),
    below(
      'sessions',
      'services and below: no HTTP, no administration',
      'sessions|services|brokers|websocket|config|ops',
    ),
    below(
      'http',
      'sessions and below: it serves whatever generation it is handed, to clients that arrive through doors, too',
      'http|sessions|services|brokers|websocket|config|ops|tunnel/reverse',
    ),
    below(
      'workers',
      'the gateway and below: several processes are one gateway, and nothing below knows how they speak to one another',
      'workers|gateway|admin|http|state|sessions|services|brokers|wiring|websocket|config|ops',
    ),
    {
      name: 'workers-are-started-by-the-command',
      comment: 'only the command line starts several processes: a program is one',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(workers|cli)/' },
      to: { path: '^src/workers/' },
    },
    below('state', 'configuration and ops: what it keeps is that of others', 'state|config|ops'),
    below(
      'tunnel/connect',
      'WebSockets, and what ops and config know: it is a client of gateways, and no part of one',
      'tunnel/connect|websocket|config|ops',
    ),
    below(
      'tunnel/reverse',
      'the wire to a door, and the header that names a client: no requests, no sessions',
      'tunnel/reverse|tunnel/wire\\.ts|http/proxy-protocol/header\\.ts|config|ops',
    ),
    below(
      'tunnel/door',
      'the wire to a gateway, and HTTP for its own operators alone',
      'tunnel/door|tunnel/[a-z]+\\.ts|http/server|admin/(answer|own-hosts)\\.ts|config|ops',
    ),
    {
      name: 'doors-speak-no-amqp',
      comment: 'a door passes on what it cannot read: it knows neither AMQP nor WebSockets nor who anybody is',
      severity: 'error',
      from: { path: '^src/tunnel/(?!connect/)' },
      to: { path: `^(proxy/|src/websocket/|auth/(?!index\\.ts$))|${npm('ws')}` },
    },
    {
      name: 'generations-hold-no-state',
      comment: "what outlives a configuration is in lasting.ts, and live sessions are the registry's",
      severity: 'error',
      from: { path: '^src/gateway/generation\\.ts$' },
      to: { path: '^src/sessions/' },
    },
    {
      name: 'production-knows-no-tests',
      severity: 'error',
      from: { path: '^(proxy|auth|src|browser|testing)/' },
      to: { path: '^(test|scripts|fixtures)/' },
    },
    {
      name: 'browser-stands-alone',
      comment: 'browser/ is one file for pages: it imports nothing, not even node:*',
      severity: 'error',
      from: { path: '^browser/' },
      to: {},
    },
    {
      name: 'testing-uses-the-door-of-the-package',
      comment:
        'testing/ imports what any program imports of the package, and asks the broker as `check --connect` does',
      severity: 'error',
      from: { path: '^testing/' },
      to: {
        path: '^(proxy|auth|src|browser)/',
        pathNot: '^(src|proxy)/index\\.ts$|^src/(brokers/broker-failures|ops/events)\\.ts$',
      },
    },
    {
      name: 'small-packages-are-for-users',
      comment: 'nothing in the house imports browser/ or testing/',
      severity: 'error',
      from: { path: '^(proxy|auth|src)/' },
      to: { path: '^(browser|testing)/' },
    },
    home('websocket', ['ws'], '^src/websocket/'),
    home('yaml', ['yaml'], '^src/config/'),
    home('schema', ['zod'], '^src/(config|admin|cli/admin)/|^auth/(schema|strategies)/'),
    home('log', ['pino'], '^src/ops/'),
    home('metrics', ['prom-client'], '^src/ops/'),
    home('identity', ['passport[^/]*', 'jose', 'openid-client', 'kerberos', 'ldapts'], '^auth/'),
    home('store', ['ioredis'], '^src/state/'),
    home('bundler', ['esbuild'], '^src/admin/console/bundle\\.ts$'),
    home('demo-client', ['@cloudamqp/amqp-client'], '^src/demo/'),
    {
      name: 'installed-with-the-package',
      comment:
        'what runs in production is a dependency, not a devDependency; types are compiled away. One file runs only beside the sources: it makes the console',
      severity: 'error',
      from: { path: '^(proxy|auth|src)/', pathNot: '^src/admin/console/bundle\\.ts$' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['type-only'] },
    },
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'resolves', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    // Pages run in browsers: what they import are addresses.
    exclude: { path: '/page/' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
}
