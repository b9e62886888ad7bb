/** What a private broker's configuration files say: loopback only, one administrator, the management plugin. */
import { totalmem } from 'node:os'
import type { RabbitOptions } from './rabbit.ts'

/** Where the broker listens; inside a container these are its usual ports. */
export interface ListenPorts {
  readonly amqp: number
  readonly tls: number
  readonly management: number
}

/** The text of rabbitmq.conf. `address` is the interface of all listeners. */
export function brokerConfig(
  options: RabbitOptions,
  ports: ListenPorts,
  admin: { readonly username: string; readonly password: string },
  address = '127.0.0.1',
): string {
  const lines = [
    `listeners.tcp.local = ${address}:${ports.amqp}`,
    `management.tcp.ip = ${address}`,
    `management.tcp.port = ${ports.management}`,
    `default_user = ${admin.username}`,
    `default_pass = ${admin.password}`,
    'default_user_tags.administrator = true',
    'disk_free_limit.absolute = 1MB',
    // How soon a new connection is in the management API's list: after a second, not after five.
    'collect_statistics_interval = 500',
    ...['global', 'basic', 'detailed'].map((kind) => `management.sample_retention_policies.${kind}.minute = 1`),
    'log.file = rabbit.log',
    'log.file.level = info',
    'log.console = true',
    'log.console.level = info',
  ]
  if (options.tls) {
    const { ca, cert, key, clients = 'none' } = options.tls
    lines.push(
      `listeners.ssl.local = ${address}:${ports.tls}`,
      `ssl_options.cacertfile = ${ca}`,
      `ssl_options.certfile = ${cert}`,
      `ssl_options.keyfile = ${key}`,
      `ssl_options.verify = ${clients === 'none' ? 'verify_none' : 'verify_peer'}`,
      `ssl_options.fail_if_no_peer_cert = ${clients === 'required'}`,
    )
  }
  if (options.peer !== undefined) lines.push(`cluster_formation.classic_config.nodes.1 = ${options.peer.name}`)
  if (options.root !== undefined) lines.push(...withoutProc(totalmem()))
  if (options.proxyProtocol) lines.push('proxy_protocol = true')
  if (options.memoryWatermark !== undefined)
    lines.push(`vm_memory_high_watermark.relative = ${options.memoryWatermark}`)
  return `${[...lines, ...(options.config ?? [])].join('\n')}\n`
}

/**
 * A bare root folder has no /proc, where the broker would look. It would take the machine for one with 1 GiB, and stop
 * publishers at 400 MiB.
 */
function withoutProc(memoryBytes: number): readonly string[] {
  return ['vm_memory_calculation_strategy = erlang', `total_memory_available_override_value = ${memoryBytes}`]
}

/** The text of enabled_plugins. */
export function enabledPlugins(options: RabbitOptions): string {
  return `[${['rabbitmq_management', ...(options.plugins ?? [])].join(',')}].\n`
}

/** The options with the folder of their `files`, as the broker sees it, wherever they speak of it. */
export function withFilesAt<O extends RabbitOptions>(options: O, folder: string): O {
  const placed = (text: string) => text.replaceAll('FILES/', `${folder}/`)
  const { config, advancedConfig } = options
  return {
    ...options,
    ...(config === undefined ? {} : { config: config.map(placed) }),
    ...(advancedConfig === undefined ? {} : { advancedConfig: placed(advancedConfig) }),
  }
}
