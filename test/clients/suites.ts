/**
 * The own test suites of AMQP clients: where each lies, which programs it needs, and how it is run so that it says how every
 * test went. None of their code is here. Suites run as they lie; nothing of them is built.
 */
import { join } from 'node:path'
import { fromGoTest, fromJUnit, type Outcomes } from './outcomes.ts'

/** Where a suite can be had. Other folders are named with `--suite NAME=DIR`. */
export type Source =
  /** A package of npm's, which brings its tests. */
  | { readonly npm: string }
  /** A folder of a Debian package's. */
  | { readonly folder: string }
  /** A checkout; packages of this client bring no tests. */
  | { readonly repository: string; readonly tag: string }

/** One process of a suite. */
export interface Step {
  readonly command: (report: string) => readonly string[]
  /** A step that hangs is ended after this. */
  readonly deadlineMs?: number
}

export interface Suite {
  readonly name: string
  readonly source: Source
  /** A file of the suite's, without which it cannot run. */
  readonly file: string
  /** Where the suite says of which version it is. */
  readonly version: { readonly file: string; readonly pattern: RegExp }
  /** Debian packages, and a file of each that shows that it is there. */
  readonly packages: Readonly<Record<string, string>>
  readonly steps: readonly Step[]
  readonly env?: Readonly<Record<string, string>>
  /** Reads a step's report file, or what it printed. */
  readonly read: (report: string, output: string) => Outcomes
}

const URL = 'amqp://guest:guest@127.0.0.1:5672'
const TSX = join(import.meta.dirname, '../../node_modules/tsx/dist/loader.mjs')
const GO_FOLDER = '/usr/share/gocode/src/github.com/rabbitmq/amqp091-go'
const PYTHON = '/usr/lib/python3/dist-packages'
const PACKAGE_JSON = { file: 'package.json', pattern: /"version": "([^"]+)"/ }
/** A test that waits for ever, where the gateway discards the wrong password that it logs in with. */
const ENDLESS = /^handles \(un\)auth error/
const ENDLESS_MS = 30_000

/** A file of node:test's. Each has a process of its own, as `node --test` does it. */
const nodeTest = (file: string, ...options: string[]) => {
  return (report: string) => [
    ...['node', '--import', TSX, '--test-reporter=junit', `--test-reporter-destination=${report}`],
    ...options,
    file,
  ]
}

/** Leaves tests out. Node 20 has patterns for names only, and one that its root matches lets in all tests. */
function without({ source }: RegExp): string {
  if (Number.parseInt(process.versions.node, 10) >= 22) return `--test-skip-pattern=/${source}/`
  return `--test-name-pattern=/^(?!${source.slice(1)}|<root>)/`
}

export const SUITES: readonly Suite[] = [
  {
    name: 'amqplib',
    source: { npm: 'amqplib@0.10.3' },
    file: 'node_modules/mocha/bin/mocha',
    version: PACKAGE_JSON,
    packages: {},
    steps: [
      {
        command: (report) => [
          'node',
          ...['node_modules/mocha/bin/mocha', '--exit', '--timeout', '10000', '--check-leaks', '--ui', 'tdd'],
          ...['--reporter', 'xunit', '--reporter-options', `output=${report}`, 'test/'],
        ],
      },
    ],
    env: { URL },
    read: fromJUnit,
  },
  {
    name: 'rabbitmq-client',
    source: { repository: 'https://github.com/cody-greene/node-rabbitmq-client', tag: 'v5.0.8' },
    file: 'test/behavior.ts',
    version: PACKAGE_JSON,
    packages: {},
    steps: [
      { command: nodeTest('test/behavior.ts', without(ENDLESS)) },
      { command: nodeTest('test/behavior.ts', `--test-name-pattern=${ENDLESS}`), deadlineMs: ENDLESS_MS },
      { command: nodeTest('test/consumer.ts') },
      { command: nodeTest('test/rpc.ts') },
    ],
    env: { RABBITMQ_URL: URL },
    read: fromJUnit,
  },
  {
    name: 'pika',
    source: { repository: 'https://github.com/pika/pika', tag: '1.3.2' },
    file: 'tests/acceptance/blocking_adapter_test.py',
    version: { file: 'pika/__init__.py', pattern: /__version__ = '([^']+)'/ },
    packages: Object.fromEntries(
      ['pytest', 'nose', 'twisted', 'tornado', 'gevent'].map((name) => [`python3-${name}`, `${PYTHON}/${name}`]),
    ),
    steps: [
      {
        command: (report) => [
          ...['/usr/bin/python3', '-m', 'pytest', '-q', '-p', 'no:cacheprovider', `--junitxml=${report}`],
          ...['-o', 'python_files=*_test.py *_tests.py', '-o', 'markers=timeout', 'tests/acceptance'],
        ],
      },
    ],
    env: { PYTHONPATH: '.', PYTHONDONTWRITEBYTECODE: '1' },
    read: fromJUnit,
  },
  {
    name: 'amqp091-go',
    source: { folder: GO_FOLDER },
    file: 'integration_test.go',
    version: { file: 'connection.go', pattern: /[vV]ersion\s*=\s*"([^"]+)"/ },
    packages: { 'golang-go': '/usr/bin/go', 'golang-github-rabbitmq-amqp091-go-dev': GO_FOLDER },
    steps: [{ command: () => ['go', 'test', '-tags', 'integration', '-json', '-count=1', '-timeout', '540s', '.'] }],
    env: { AMQP_URL: `${URL}/`, GO111MODULE: 'off', GOPATH: '/usr/share/gocode', GOFLAGS: '' },
    read: fromGoTest,
  },
  {
    name: 'php-amqplib',
    source: { repository: 'https://github.com/php-amqplib/php-amqplib', tag: 'v3.7.3' },
    file: 'tests/Functional/AbstractConnectionTest.php',
    version: { file: 'PhpAmqpLib/Package.php', pattern: /VERSION = '([^']+)'/ },
    packages: {
      phpunit: '/usr/bin/phpunit',
      'php-phpseclib3': '/usr/share/php/phpseclib3/autoload.php',
    },
    steps: [
      {
        command: (report) => [
          ...['php', '-d', 'error_reporting=E_ALL&~E_USER_DEPRECATED', '/usr/bin/phpunit', '--no-configuration'],
          ...['--bootstrap', join(import.meta.dirname, 'php-amqplib.php'), '--log-junit', report, 'tests/Functional'],
        ],
      },
    ],
    env: { TEST_RABBITMQ_HOST: '127.0.0.1' },
    read: fromJUnit,
  },
]
