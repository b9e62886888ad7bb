/** deploy/kubernetes/: known to the API, of one mind with each other, and with a configuration that would be served. */
import assert from 'node:assert/strict'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { Deployment } from 'kubernetes-types/apps/v1.js'
import type { ConfigMap, Service } from 'kubernetes-types/core/v1.js'
import type { Ingress, NetworkPolicy } from 'kubernetes-types/networking/v1.js'
import type { PodDisruptionBudget } from 'kubernetes-types/policy/v1.js'
import { parseAllDocuments } from 'yaml'
import { loadConfig } from '../../../src/config/reading/load.ts'
import { type Certificates, createCertificates } from '../../support/certificates.ts'
import { type Manifest, type ManifestFile, manifestProblems } from '../../support/kubernetes-types.ts'
import { STATE_KEY } from '../../support/state/shared-rig.ts'
import { runCommand } from '../../support/terminal.ts'

const FOLDER = join(import.meta.dirname, '../../../deploy/kubernetes')
const GRACE_MS = 10_000

const files = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.yaml'))
  .flatMap((name) =>
    // As kubectl reads it, which takes 0440 for octal. [YAML 1.1]
    parseAllDocuments(readFileSync(join(FOLDER, name), 'utf8'), { version: '1.1' }).map(
      (document): ManifestFile => ({ file: name, manifest: document.toJS() as Manifest }),
    ),
  )

/** The manifests of a kind, which must be there. */
function all<T>(kind: string): T[] {
  const found = files.filter(({ manifest }) => manifest.kind === kind).map(({ manifest }) => manifest as T)
  assert.notEqual(found.length, 0)
  return found
}

function only<T>(kind: string): T {
  const [first, ...more] = all<T>(kind)
  assert.deepEqual(more, [])
  return first as T
}

const pod = () => {
  const { spec } = only<Deployment>('Deployment')
  assert.ok(spec?.template.spec !== undefined)
  return { labels: spec.template.metadata?.labels, spec: spec.template.spec, selector: spec.selector.matchLabels }
}

const container = () => {
  const [first, ...more] = pod().spec.containers
  assert.ok(first !== undefined)
  assert.deepEqual(more, [])
  return first
}

describe('manifests', () => {
  it('have only what the API of Kubernetes knows', () => {
    assert.deepEqual(manifestProblems(files), [])
  })

  it('would be refused with a key that it does not know, or with a value of another kind', () => {
    const broken = (change: object): ManifestFile => {
      const { spec, ...rest } = only<PodDisruptionBudget>('PodDisruptionBudget')
      return { file: 'broken.yaml', manifest: { ...rest, spec: { ...spec, ...change } } as unknown as Manifest }
    }
    assert.match(manifestProblems([broken({ maxUnavailible: 1 })]).join(), /^broken\.yaml: .*maxUnavailible/)
    assert.match(manifestProblems([broken({ selector: 'all' })]).join(), /^broken\.yaml: Type 'string'/)
    const unknown = { apiVersion: 'policy/v1beta1', kind: 'PodDisruptionBudget', metadata: { name: 'x' } }
    assert.match(
      manifestProblems([{ file: 'old.yaml', manifest: unknown }]).join(),
      /^old\.yaml: expected an apiVersion/,
    )
  })

  it('are in one namespace, with one label', () => {
    for (const { file, manifest } of files) {
      if (manifest.kind === 'Namespace') continue
      assert.equal(manifest.metadata.namespace, 'gatehouse', file)
      assert.equal(manifest.metadata.labels?.['app.kubernetes.io/name'], 'gatehouse', file)
    }
    assert.equal(only<Manifest>('Namespace').metadata.name, 'gatehouse')
  })

  it('choose the pods of the Deployment', () => {
    const { labels, selector } = pod()
    const selectors = [
      selector,
      ...all<Service>('Service').map(({ spec }) => spec?.selector),
      only<PodDisruptionBudget>('PodDisruptionBudget').spec?.selector?.matchLabels,
      only<NetworkPolicy>('NetworkPolicy').spec?.podSelector.matchLabels,
      ...(pod().spec.topologySpreadConstraints ?? []).map(({ labelSelector }) => labelSelector?.matchLabels),
    ]
    for (const one of selectors) assert.deepEqual(one, labels)
  })

  it('name ports that the container has', () => {
    const names = container().ports?.map(({ name }) => name) ?? []
    assert.deepEqual(names, ['amqp', 'admin'])
    const services = all<Service>('Service')
    const targets = services.flatMap(({ spec }) => spec?.ports?.map(({ targetPort }) => targetPort) ?? [])
    assert.deepEqual(targets, ['amqp', 'admin'])
    const { startupProbe, livenessProbe, readinessProbe } = container()
    for (const probe of [startupProbe, livenessProbe, readinessProbe]) assert.equal(probe?.httpGet?.port, 'admin')
    const allowed = only<NetworkPolicy>('NetworkPolicy').spec?.ingress?.flatMap(({ ports }) => ports ?? [])
    assert.deepEqual(
      allowed?.map(({ port }) => port),
      ['amqp', 'admin'],
    )
    for (const { spec } of all<Ingress>('Ingress')) {
      const backend = spec?.rules?.[0]?.http?.paths[0]?.backend.service
      const service = services.find(({ metadata }) => metadata?.name === backend?.name)
      // Nobody reaches the admin port from outside.
      assert.deepEqual(
        service?.spec?.ports?.map(({ name, targetPort }) => [name, targetPort]),
        [[backend?.port?.name, 'amqp']],
      )
    }
  })

  it('name volumes, ConfigMaps and accounts that are there', () => {
    const volumes = new Map(pod().spec.volumes?.map(({ name, projected }) => [name, projected]))
    for (const { name } of container().volumeMounts ?? []) assert.ok(volumes.has(name))
    for (const projected of volumes.values()) assert.equal(projected?.defaultMode, 0o440)
    const sources = [...volumes.values()].flatMap((projected) => projected?.sources ?? [])
    const configMaps = sources.flatMap(({ configMap }) => configMap?.name ?? [])
    assert.deepEqual(configMaps, [only<ConfigMap>('ConfigMap').metadata?.name])
    assert.equal(pod().spec.serviceAccountName, only<Manifest>('ServiceAccount').metadata.name)
  })

  it('run the container restricted', () => {
    const { securityContext, hostNetwork, automountServiceAccountToken } = pod().spec
    assert.equal(securityContext?.runAsNonRoot, true)
    assert.equal(securityContext.seccompProfile?.type, 'RuntimeDefault')
    assert.equal(hostNetwork, undefined)
    assert.equal(automountServiceAccountToken, false)
    assert.deepEqual(container().securityContext, {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    })
    assert.equal(
      container().volumeMounts?.every(({ readOnly }) => readOnly),
      true,
    )
  })
})

describe('the configuration of the ConfigMap', () => {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-kubernetes-'))
  let certificates: Certificates
  before(async () => {
    certificates = await createCertificates()
  })
  after(async () => {
    rmSync(folder, { recursive: true, force: true })
    await certificates.remove()
  })

  /** A volume as the kubelet makes it: a swapped link to a folder with the files, and a link to each of them. */
  function volume(name: string, mode: number, contents: Readonly<Record<string, string>>): string {
    const root = join(folder, name)
    mkdirSync(join(root, '..2026_11_30'), { recursive: true })
    symlinkSync('..2026_11_30', join(root, '..data'))
    for (const [file, text] of Object.entries(contents)) {
      writeFileSync(join(root, '..2026_11_30', file), text, { mode: 0o440 })
      symlinkSync(join('..data', file), join(root, file))
    }
    chmodSync(root, mode)
    return root
  }

  const secretOf = (file: string): string => {
    if (file === 'ca.pem') return certificates.authority.ca
    return file === 'state.key' ? `${STATE_KEY}\n` : 'CANARY-text'
  }

  const inMap = only<ConfigMap>('ConfigMap').data ?? {}
  const text = inMap['gatehouse.yaml'] ?? ''
  const mountOf = (name: string) => container().volumeMounts?.find((one) => one.name === name)?.mountPath ?? ''
  const named = [...new Set([...text.matchAll(/(?:file|ca): (\S+)\b/g)].map(([, path = '']) => path))]
  /** In a folder of its own, whose mode is that of a volume. */
  function mounted(name: string, mode: number): string {
    const secrets = Object.fromEntries(
      named.map((path) => path.split('/').at(-1) ?? '').map((file) => [file, secretOf(file)]),
    )
    const place = volume(`${name}-secrets`, 0o1777, secrets)
    const here = text.replaceAll(mountOf('secrets'), place)
    return join(volume(name, mode, { ...inMap, 'gatehouse.yaml': here }), 'gatehouse.yaml')
  }

  it('is where the container looks for it, and its secrets are where they are mounted', () => {
    assert.deepEqual(Object.keys(inMap), ['gatehouse.yaml'])
    assert.deepEqual(container().args, ['serve', '-c', `${mountOf('configuration')}/gatehouse.yaml`])
    for (const path of named) assert.ok(path.startsWith(`${mountOf('secrets')}/`), path)
    const readme = readFileSync(join(FOLDER, 'README.md'), 'utf8')
    for (const path of named) assert.ok(readme.includes(`--from-file=${path.split('/').at(-1)}`), path)
  })

  it('passes gatehouse check in a projected volume, without a warning', async () => {
    const file = mounted('projected', 0o1777)
    const { code, stdout, stderr } = await runCommand(['check', '-c', file])
    assert.deepEqual([code, stderr], [0, ''], stdout)
    assert.match(stdout, /: good$/m)
  })

  it('is refused in the volume of a ConfigMap, where everybody may write to the folder', async () => {
    const file = mounted('plain', 0o777)
    const { code, stderr } = await runCommand(['check', '-c', file])
    assert.equal(code, 78)
    assert.match(stderr, /everybody may write to the folder/)
  })

  it('fits to ports, probes and grace period', () => {
    const { config } = loadConfig(mounted('fits', 0o1777), {})
    const [listener] = config.listen
    assert.ok(listener !== undefined && 'port' in listener)
    const ports = container().ports?.map(({ containerPort }) => containerPort)
    assert.deepEqual(ports, [listener.port, config.admin?.port])
    assert.equal(config.admin?.host, '0.0.0.0')
    assert.equal(config.watch, true)
    assert.equal(listener.behindTls, true)
    const { lameDuck, over, quiet } = config.drain
    assert.equal(pod().spec.terminationGracePeriodSeconds, (lameDuck + over + quiet + GRACE_MS) / 1000)
    // The controller looks at readiness twice before the gateway takes nobody more.
    const { periodSeconds = 10, failureThreshold = 3 } = container().readinessProbe ?? {}
    assert.ok(periodSeconds * failureThreshold * 1000 < lameDuck)
  })

  it('reaches only what the NetworkPolicy lets it reach', () => {
    const { config } = loadConfig(mounted('reach', 0o1777), {})
    const egress = only<NetworkPolicy>('NetworkPolicy').spec?.egress ?? []
    const open = (namespace: string) =>
      egress
        .filter(({ to }) =>
          to?.some((one) => one.namespaceSelector?.matchLabels?.['kubernetes.io/metadata.name'] === namespace),
        )
        .flatMap(({ ports }) => ports?.map(({ port }) => port) ?? [])
    const reached = [...Object.values(config.brokers).flatMap(({ urls }) => urls), ...(config.state?.urls ?? [])]
    for (const { host, port } of reached) {
      const namespace = host.split('.').at(-2) ?? ''
      assert.ok(open(namespace).includes(port), `${host}:${port}`)
    }
  })
})
