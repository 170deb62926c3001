let isDone = false

/**
 * Trusts the certificate authorities of Windows as well, besides those of Node.js and of NODE_EXTRA_CA_CERTS: a firewall
 * that opens TLS has its own there, and so has each hospital's. Elsewhere Node.js is told by its own variables.
 */
export function trustSystemCertificates(platform: NodeJS.Platform = process.platform): void {
  if (isDone || platform !== 'win32') return
  isDone = true
  try {
    // Only here: to load it takes 25 ms.
    const tls = process.getBuiltinModule('node:tls')
    const all = new Set([...tls.getCACertificates('default'), ...tls.getCACertificates('system')])
    tls.setDefaultCACertificates([...all])
  } catch {
    // Node.js before 24.5 cannot: then only its own are trusted.
  }
}
