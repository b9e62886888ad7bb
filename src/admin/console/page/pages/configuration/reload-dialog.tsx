/** Puts the file into force, after a look at what that means. */
import { useEffect, useState } from 'preact/hooks'
import type { ReloadReport } from '../../api/shapes.ts'
import { Dialog } from '../../parts/dialog.tsx'
import { counted } from '../../parts/format.ts'
import { Trouble } from '../../parts/standing.tsx'
import { useConsole } from '../../state/console-context.ts'
import { Report } from './report.tsx'

interface ReloadDialogProps {
  /** Of the configuration that was looked at: another one is not replaced. */
  readonly hash: string
  onClose(): void
}

export function ReloadDialog({ hash, onClose }: ReloadDialogProps) {
  const { client, say } = useConsole()
  const [report, setReport] = useState<ReloadReport | undefined>()
  const [error, setError] = useState<unknown>()
  useEffect(() => {
    client.send<ReloadReport>('POST', 'reload', { body: { dryRun: true } }).then(setReport, setError)
  }, [client])
  const reload = async () => {
    const { generation, sessions } = await client.send<ReloadReport>('POST', 'reload', { body: { ifHash: hash } })
    say(`Generation ${generation} is in force; ${counted(sessions.ended, 'session')} ended.`)
  }
  return (
    <Dialog title="Reload the configuration" act="Reload" isDangerous onAct={reload} onClose={onClose}>
      <p>The gateway reads its file again, all or nothing.</p>
      <Trouble error={error} />
      {report !== undefined && <Report report={report} />}
    </Dialog>
  )
}
