/** What a gateway tells Prometheus, for tests. */

/**
 * The sum of a metric over its labels, or one series of it, as Prometheus writes it:
 * `gatehouse_refusals_total{cause="blocked"}`.
 *
 * @throws {Error} where there is none: a name with a mistake is no zero
 */
export async function metricAt(admin: { readonly url: string } | undefined, name: string): Promise<number> {
  const text = await (await fetch(`${admin?.url}/metrics`)).text()
  const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
  if (lines.length === 0) throw new Error(`no metric ${name}: docs/metrics.md has them all`)
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
}
