/**
 * The own test suites of AMQP clients: where each lies, and how it is run so that it says how every test went. None of their
 * code is here. They are used as they lie, with the client libraries that lie beside them; nothing is fetched or built.
 */
import { join } from 'node:path'
import { fromGoTest, fromJUnit, type Outcomes } from './outcomes.ts'

export interface Suite {
  readonly name: string
  /** Where it lies in Debian, where a package of Debian's has it; else a folder of this name in `CLIENT_SUITES`. */
  readonly folder?: string
  /** A file of the suite's, without which it cannot run, and what to do about it. */
  readonly needs: { readonly file: string; readonly remedy: string }
  readonly command: (report: string) => readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Reads the report file, or what was printed. */
  readonly read: (report: string, output: string) => Outcomes
}

const URL = 'amqp://guest:guest@127.0.0.1:5672'
const TSX = join(import.meta.dirname, '../../node_modules/tsx/dist/loader.mjs')

export const SUITES: readonly Suite[] = [
  {
    name: 'amqplib',
    needs: {
      file: 'node_modules/mocha/bin/mocha',
      remedy: 'the npm package of amqplib 0.10.3, with `npm install` in it',
    },
    command: (report) => [
      'node',
      ...['node_modules/mocha/bin/mocha', '--exit', '--timeout', '10000', '--check-leaks', '--ui', 'tdd'],
      ...['--reporter', 'xunit', '--reporter-options', `output=${report}`, 'test/'],
    ],
    env: { URL },
    read: fromJUnit,
  },
  {
    name: 'rabbitmq-client',
    needs: { file: 'test/behavior.ts', remedy: 'a checkout of rabbitmq-client 5' },
    command: (report) => [
      'node',
      ...['--import', TSX, '--test', '--test-timeout=120000', '--test-concurrency=1', '--test-reporter=junit'],
      // It waits for a refusal that does not come, and those behind it would not run.
      '--test-name-pattern=/^(?!handles \\(un\\)auth error)/',
      ...[`--test-reporter-destination=${report}`, 'test/behavior.ts', 'test/consumer.ts', 'test/rpc.ts'],
    ],
    env: { RABBITMQ_URL: URL },
    read: fromJUnit,
  },
  {
    name: 'pika',
    needs: {
      file: 'tests/acceptance/blocking_adapter_test.py',
      remedy: 'a checkout of pika 1, and Debian’s python3-pytest',
    },
    command: (report) => [
      '/usr/bin/python3',
      ...[
        '-m',
        'pytest',
        '-q',
        '-p',
        'no:cacheprovider',
        '-o',
        'python_files=*_test.py *_tests.py',
        '-o',
        'markers=timeout',
      ],
      ...[`--junitxml=${report}`, 'tests/acceptance'],
    ],
    env: { PYTHONPATH: '.', PYTHONDONTWRITEBYTECODE: '1' },
    read: fromJUnit,
  },
  {
    name: 'amqp091-go',
    folder: '/usr/share/gocode/src/github.com/rabbitmq/amqp091-go',
    needs: { file: 'integration_test.go', remedy: 'Debian’s golang-github-rabbitmq-amqp091-go-dev and golang-go' },
    command: () => ['go', 'test', '-tags', 'integration', '-json', '-count=1', '-timeout', '300s', '.'],
    env: { AMQP_URL: `${URL}/`, GO111MODULE: 'off', GOPATH: '/usr/share/gocode', GOFLAGS: '' },
    read: fromGoTest,
  },
  {
    name: 'php-amqplib',
    needs: {
      file: 'vendor/autoload.php',
      remedy: 'a checkout of php-amqplib 3 with its vendor folder, and Debian’s phpunit',
    },
    command: (report) => [
      'phpunit',
      '--no-configuration',
      '--bootstrap',
      'tests/bootstrap.php',
      '--log-junit',
      report,
      'tests/Functional',
    ],
    env: { TEST_RABBITMQ_HOST: '127.0.0.1' },
    read: fromJUnit,
  },
]
