/** A real Prometheus on 127.0.0.1 that scrapes a gateway, and its tool that judges rules. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type CommandResult, freePorts, runCommand, spawnGuarded } from '../../src/demo/processes.ts'
import { debianCommand } from './debian-package.ts'
import { until } from './until.ts'

/** One series of an answer. */
export interface PrometheusSample {
  readonly metric: Readonly<Record<string, string>>
  readonly value: readonly [number, string]
}

export interface Prometheus {
  /** The answer to an instant query. @throws with what Prometheus says against it */
  query(expression: string): Promise<readonly PrometheusSample[]>
  stop(): Promise<void>
}

async function install(): Promise<void> {
  await debianCommand('prometheus', 'promtool')
}

/** Runs promtool. @param cwd where the files are that the words name */
export async function promtool(
  words: readonly string[],
  options: { readonly cwd?: string; readonly stdin?: string } = {},
): Promise<CommandResult> {
  await install()
  return await runCommand(['promtool', ...words], { ...options, deadlineMs: 60_000 })
}

/** @param target the admin listener, as `127.0.0.1:8081` @param rules a file */
export async function startPrometheus(target: string, rules: string): Promise<Prometheus> {
  await install()
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-prometheus-'))
  const [port = 0] = await freePorts(1)
  const url = `http://127.0.0.1:${port}`
  const config = {
    global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
    rule_files: [rules],
    scrape_configs: [{ job_name: 'gatehouse', static_configs: [{ targets: [target] }] }],
  }
  // YAML takes JSON.
  await writeFile(join(folder, 'prometheus.yml'), JSON.stringify(config))
  let said = ''
  const child = await spawnGuarded(
    [
      'prometheus',
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    {
      folder,
      output: (text) => {
        said = (said + text).slice(-8192)
      },
    },
  )
  const stop = async (): Promise<void> => {
    await child.kill()
    await rm(folder, { recursive: true, force: true })
  }
  const isReady = async () => child.hasEnded() || (await fetch(`${url}/-/ready`).catch(() => undefined))?.ok
  try {
    await until(isReady, 'Prometheus', 60_000)
    if (child.hasEnded()) throw new Error('it ended')
  } catch (cause) {
    await stop()
    throw new Error(`Prometheus did not start:\n${said}`, { cause })
  }
  return { query: (expression) => query(url, expression), stop }
}

async function query(url: string, expression: string): Promise<readonly PrometheusSample[]> {
  const answer = await fetch(`${url}/api/v1/query?query=${encodeURIComponent(expression)}`)
  const { data, error } = (await answer.json()) as { data?: { result: PrometheusSample[] }; error?: string }
  if (data === undefined) throw new Error(`${expression}: ${error}`)
  return data.result
}
