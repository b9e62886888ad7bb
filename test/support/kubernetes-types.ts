/**
 * Judges manifests by the types of the Kubernetes API, as the compiler sees them: a key that the API does not have is a
 * mistake here, which the API itself passes over.
 */
import { join } from 'node:path'
import ts from 'typescript'

/** A manifest of any kind that is used here. */
export interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly labels?: Readonly<Record<string, string>>
  }
}

export interface ManifestFile {
  /** For messages. */
  readonly file: string
  readonly manifest: Manifest
}

/** `v1` is the core group. */
const MODULES: Readonly<Record<string, string>> = {
  v1: 'core/v1',
  'apps/v1': 'apps/v1',
  'policy/v1': 'policy/v1',
  'networking.k8s.io/v1': 'networking/v1',
}
/** The program is nowhere on disk. */
const PROGRAM = join(import.meta.dirname, 'manifests.generated.ts')

/** What is wrong, each with its file; none where all is well. */
export function manifestProblems(files: readonly ManifestFile[]): string[] {
  const [lines, known] = programOf(files)
  const text = lines.join('\n')
  const options: ts.CompilerOptions = {
    strict: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
    skipLibCheck: true,
    types: [],
    lib: ['lib.es2023.d.ts'],
    target: ts.ScriptTarget.ES2023,
    module: ts.ModuleKind.NodeNext,
  }
  const host = ts.createCompilerHost(options)
  const { getSourceFile, fileExists } = host
  host.fileExists = (name) => name === PROGRAM || fileExists.call(host, name)
  host.getSourceFile = (name, version) =>
    name === PROGRAM ? ts.createSourceFile(name, text, version) : getSourceFile.call(host, name, version)
  const diagnostics = ts.getPreEmitDiagnostics(ts.createProgram([PROGRAM], options, host))
  return [
    ...known,
    ...diagnostics.map(({ file, start = 0, messageText }) => {
      const line = file === undefined ? 0 : file.getLineAndCharacterOfPosition(start).line
      const place = lines.slice(0, line + 1).findLast((one) => one.startsWith('// ')) ?? '// the program'
      return `${place.slice(3)}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`
    }),
  ]
}

/** One constant for each manifest, as a literal: for those the compiler looks for keys that are too many. */
function programOf(files: readonly ManifestFile[]): [lines: string[], problems: string[]] {
  const lines: string[] = []
  const problems: string[] = []
  for (const [index, { file, manifest }] of files.entries()) {
    const module = MODULES[manifest.apiVersion]
    if (module === undefined) {
      problems.push(`${file}: expected an apiVersion of ${Object.keys(MODULES).join(', ')}`)
      continue
    }
    lines.push(`// ${file}`)
    lines.push(`import type { ${manifest.kind} as Kind${index} } from 'kubernetes-types/${module}.js'`)
    lines.push(...`export const one${index}: Kind${index} = ${JSON.stringify(manifest, null, 1)}`.split('\n'))
  }
  return [lines, problems]
}
