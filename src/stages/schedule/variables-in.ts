import { readTextFile } from '../config/text-file.ts'

/**
 * The environment variables that a configuration takes values from: a job of the scheduler does not have those that were
 * set in a terminal. Empty when the file cannot be read.
 */
export function variablesIn(configFile: string): string[] {
  const content = readTextFile(configFile)
  if (!('text' in content)) return []
  const lines = content.text.split(/\r?\n/).filter((line) => !/^\s*#/.test(line))
  const names = lines.flatMap((line) => [...line.matchAll(/(?<!\$)\$\{([A-Za-z_]\w*)\}/g)].map(([, name = '']) => name))
  return [...new Set(names)]
}
