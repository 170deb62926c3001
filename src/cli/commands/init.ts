import { writeStarterConfig } from '../../stages/config/starter.ts'
import { EXIT, type ExitCode } from '../exit.ts'
import type { Output } from '../output.ts'

/** `init`: writes the commented starter configuration; never overwrites one. */
export async function init(configFile: string, output: Output): Promise<ExitCode> {
  const isPrivate = await writeStarterConfig(configFile)
  await output.result({ file: configFile }, () =>
    [
      `Wrote ${configFile}.`,
      ...(isPrivate
        ? []
        : ['Other accounts of this computer may be able to read it: its access rights could not be set.']),
      '',
      'Next',
      '  Fill it in, then run "dicom-backup doctor": it checks everything a run needs.',
      '',
    ].join('\n'),
  )
  return EXIT.done
}
