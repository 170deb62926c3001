/** Loaded before the program (`node --import`): writes the packages that it loads into the file LOADED_PACKAGES. */
import { writeFileSync } from 'node:fs'
import { registerHooks } from 'node:module'

const names = new Set<string>()

registerHooks({
  load(url, context, next) {
    const name = /\/node_modules\/((?:@[^/]+\/)?[^/]+)(?!.*\/node_modules\/)/.exec(url)?.[1]
    if (name !== undefined) names.add(name)
    return next(url, context)
  },
})

process.on('exit', () => {
  const file = process.env['LOADED_PACKAGES']
  if (file !== undefined) writeFileSync(file, JSON.stringify([...names].sort()))
})
