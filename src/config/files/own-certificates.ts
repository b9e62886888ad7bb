/** The certificates that a gateway shows, and when each of them ends: one that ends unnoticed shuts a port at night. */
import { X509Certificate } from 'node:crypto'
import { formatPath, type Path } from '../reading/problems.ts'
import { isBehindDoor } from '../schema/listener-kinds.ts'
import type { Config } from '../schema/schema.ts'
import { PUBLIC_BYTES, protectedBytes } from './protected-file.ts'

/** Reads them now. Those that cannot be read are left out: whatever uses them says so. */
export function ownCertificates(config: Config): { place: string; endSeconds: number }[] {
  return places(config).flatMap(({ path, file }) => {
    const endSeconds = file === undefined ? undefined : endOf(file)
    return endSeconds === undefined ? [] : [{ place: formatPath(path), endSeconds }]
  })
}

function places(config: Config): { path: Path; file: string | undefined }[] {
  const listeners = config.listen.flatMap((one, index) => [
    { path: ['listen', index, 'tls', 'cert'], file: one.tls?.cert },
    { path: ['listen', index, 'door', 'tls', 'cert'], file: isBehindDoor(one) ? one.door.tls.cert : undefined },
  ])
  const brokers = Object.entries(config.brokers).map(([name, { tls }]) => ({
    path: ['brokers', name, 'tls', 'cert'],
    file: tls?.cert,
  }))
  return [
    ...listeners,
    { path: ['admin', 'tls', 'cert'], file: config.admin?.tls?.cert },
    ...brokers,
    { path: ['state', 'tls', 'cert'], file: config.state?.tls?.cert },
  ]
}

/** Of the first certificate in a file: that is the own one, those of authorities follow. */
function endOf(file: string): number | undefined {
  const read = protectedBytes(file, PUBLIC_BYTES)
  if ('problem' in read) return undefined
  try {
    return Date.parse(new X509Certificate(read.bytes).validTo) / 1000
  } catch {
    return undefined
  }
}
