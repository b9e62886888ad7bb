/** Metrics of what ends by itself one day: file descriptors, certificates, the time of a gateway that drains. */
import { Gauge, type Registry } from 'prom-client'

/** A certificate that the gateway shows, to clients or to others. */
export interface CertificateEnd {
  /** Where the configuration names it, as `listen[0].tls.cert`. */
  readonly place: string
  /** In seconds since the epoch. */
  readonly endSeconds: number
}

export interface LimitSources {
  isDraining(): boolean
  /** Sockets of clients and of brokers. */
  sockets(): number
  /** The limit of open files; infinite where the system does not say. */
  readonly descriptorLimit: number
  /** Those of the configuration in force. */
  certificates(): Iterable<CertificateEnd>
}

export function watchLimits(
  registry: Registry,
  { isDraining, sockets, descriptorLimit, certificates }: LimitSources,
): void {
  const registers = [registry]
  const draining: Gauge = new Gauge({
    name: 'gatehouse_draining',
    help: '1: the gateway drains and is not ready; 0: it does not.',
    aggregator: 'max',
    registers,
    collect: () => draining.set(Number(isDraining())),
  })
  const open: Gauge = new Gauge({
    name: 'gatehouse_sockets',
    help: 'Sockets of clients and of brokers; a session has two.',
    registers,
    collect: () => open.set(sockets()),
  })
  new Gauge({
    name: 'gatehouse_descriptor_limit',
    help: 'File descriptors that the process may have; +Inf where the system does not say.',
    registers,
  }).set(descriptorLimit)
  const ends: Gauge<'place'> = new Gauge({
    name: 'gatehouse_certificate_end_seconds',
    help: 'When a certificate that the gateway shows ends, in seconds since the epoch, by its place in the configuration.',
    labelNames: ['place'],
    aggregator: 'min',
    registers,
    collect: () => {
      ends.reset()
      for (const { place, endSeconds } of certificates()) ends.set({ place }, endSeconds)
    },
  })
}
