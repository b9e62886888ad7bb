/**
 * Asks for pages of the management API, one after the other, in a process that does nothing else: the answer's way through a
 * client of thousands of sessions would count, too. Prints `{ totals, timesMs }` as JSON, times in the order of asking.
 *
 *   AUTHORIZATION=… node test/bench/lister.ts URL COUNT
 */
const [url = '', count = '1'] = process.argv.slice(2)
const headers = { authorization: process.env['AUTHORIZATION'] ?? '' }
const totals = new Set<unknown>()
const timesMs: number[] = []
for (let turn = 0; turn < Number(count); turn++) {
  const startedMs = performance.now()
  const text = await (await fetch(url, { headers })).text()
  timesMs.push(performance.now() - startedMs)
  totals.add((JSON.parse(text) as { total?: unknown }).total)
}
console.log(JSON.stringify({ totals: [...totals], timesMs }))
