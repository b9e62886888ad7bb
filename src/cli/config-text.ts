/** The text of a configuration, for commands that change it; and its exchange for another, whole or not at all. */
import {
  chmodSync,
  closeSync,
  fsyncSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { protectedText } from '../config/files/protected-file.ts'
import { CommandFailed } from './exit.ts'

const FILE_BYTES = 8 * 1024 * 1024

/** @throws CommandFailed */
export function readConfigText(file: string): { readonly text: string } {
  const read = protectedText(file, FILE_BYTES)
  if ('problem' in read) throw new CommandFailed(`${file}: ${read.problem}`)
  return read
}

/** Another file takes the place and the mode of this one in one step; where it is a link, the file it leads to. */
export function replaceConfigText(file: string, text: string): void {
  const target = realpathSync(file)
  const fresh = `${target}.${process.pid}.new`
  try {
    const descriptor = openSync(fresh, 'wx', 0o600)
    try {
      writeSync(descriptor, text)
      fsyncSync(descriptor)
    } finally {
      closeSync(descriptor)
    }
    chmodSync(fresh, statSync(target).mode & 0o777)
    renameSync(fresh, target)
  } catch (error) {
    rmSync(fresh, { force: true })
    throw error
  }
}
