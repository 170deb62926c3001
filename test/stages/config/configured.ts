import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after } from 'node:test'
import { ConfigError } from '../../../src/stages/config/config-error.ts'
import { loadConfig } from '../../../src/stages/config/load.ts'
import type { LoadedConfig } from '../../../src/stages/config/load.ts'

/** A folder for one test file, removed after its tests. */
export function testFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'config-test-'))
  after(() => {
    rmSync(folder, { recursive: true, force: true })
  })
  return folder
}

export function write(folder: string, name: string, content: string | Uint8Array, mode = 0o600): string {
  const file = path.join(folder, name)
  mkdirSync(path.dirname(file), { recursive: true })
  writeFileSync(file, content, { mode })
  return file
}

export function load(folder: string, yaml: string | Uint8Array, env: NodeJS.ProcessEnv = {}): LoadedConfig {
  return loadConfig(write(folder, 'dicom-backup.yaml', yaml), env)
}

export function failure(folder: string, yaml: string | Uint8Array, env: NodeJS.ProcessEnv = {}): ConfigError {
  try {
    load(folder, yaml, env)
  } catch (error) {
    if (error instanceof ConfigError) return error
    throw error
  }
  throw new Error('The configuration was taken without a fault.')
}

/** The least a configuration needs, two lines; each test adds what it is about. */
export const DICOM = 'dicom: { root: dicom_files }\n'
export const NAS = 'destinations: [{ name: nas, type: local, folder: /mnt/nas }]\n'
