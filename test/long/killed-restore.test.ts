/** The restore that is killed, 50 times. */
process.env['RESTORE_KILLS'] = '50'
await import('../stages/restore/killed-restore.test.ts')
