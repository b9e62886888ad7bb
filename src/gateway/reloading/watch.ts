/**
 * Watches files for changes by looking at them twice a second: editors replace files, Kubernetes swaps the folder below
 * them, and neither is seen by watching the file itself.
 */
import { unwatchFile, watchFile } from 'node:fs'

const INTERVAL_MS = 500

/** Calls back with the file that changed, appeared or went away. Returns a function that stops. */
export function watchFiles(files: Iterable<string>, changed: (file: string) => void): () => void {
  const watched = [...new Set(files)].map((file) => {
    const listener = () => changed(file)
    watchFile(file, { persistent: false, interval: INTERVAL_MS }, listener)
    return { file, listener }
  })
  return () => {
    for (const { file, listener } of watched) unwatchFile(file, listener)
  }
}
