import { loadConfig } from '../../stages/config/load.ts'
import { doctor as examine } from '../../stages/doctor/doctor.ts'
import { doctorSummary } from '../display/doctor-summary.ts'
import { EXIT, type ExitCode } from '../exit.ts'
import type { Output } from '../output.ts'
import { stopSignals } from '../stop-signals.ts'

/** `doctor`: tries everything a run needs and says what to mend. */
export async function doctor(configFile: string, output: Output): Promise<ExitCode> {
  const config = loadConfig(configFile)
  const stop = stopSignals('Start it again when you are ready.')
  try {
    const result = await stop.ends(examine(config, stop.signal))
    await output.result(result, (style) => doctorSummary(result, style))
    return result.ok ? EXIT.done : EXIT.failed
  } finally {
    stop.dispose()
  }
}
