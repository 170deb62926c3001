import assert from 'node:assert/strict'
import { test } from 'node:test'
import { browserFor, openBrowser } from '../../src/cli/open-browser.ts'

test('the browser is the one of BROWSER, else what the system opens addresses with, else none', () => {
  assert.deepEqual(browserFor('linux', { BROWSER: '/usr/bin/firefox', DISPLAY: ':0' }), ['/usr/bin/firefox'])
  assert.deepEqual(browserFor('linux', { DISPLAY: ':0' }), ['xdg-open'])
  assert.deepEqual(browserFor('linux', { WAYLAND_DISPLAY: 'wayland-0', BROWSER: '' }), ['xdg-open'])
  assert.deepEqual(browserFor('linux', {}), [], 'a server without a desktop')
  assert.deepEqual(browserFor('darwin', {}), ['open'])
  // Not cmd /c start: a shell would take the & of an address for its own.
  assert.deepEqual(browserFor('win32', { SystemRoot: 'D:\\WINNT' }), [
    'D:\\WINNT\\System32\\rundll32.exe',
    'url.dll,FileProtocolHandler',
  ])
})

test('a browser that cannot be started is no matter', async () => {
  const before = process.env['BROWSER']
  process.env['BROWSER'] = '/nonexistent/browser'
  openBrowser('https://example.invalid/')
  // An error that nobody listened for would end this process.
  await new Promise((resolve) => setTimeout(resolve, 50))
  if (before === undefined) delete process.env['BROWSER']
  else process.env['BROWSER'] = before
})
