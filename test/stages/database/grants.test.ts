import assert from 'node:assert/strict'
import test from 'node:test'
import { readGrants } from '../../../src/stages/database/grants.ts'

test('a privilege counts on its database, on all, and through ALL PRIVILEGES', () => {
  const grants = readGrants([
    'GRANT USAGE ON *.* TO `backup`@`%`',
    'GRANT SELECT, SHOW VIEW ON `viewer`.* TO `backup`@`%`',
    'GRANT ALL PRIVILEGES ON `other`.* TO `backup`@`%` WITH GRANT OPTION',
  ])
  assert.equal(grants.inDatabase('SELECT', 'viewer'), true)
  assert.equal(grants.inDatabase('SHOW VIEW', 'viewer'), true)
  assert.equal(grants.inDatabase('TRIGGER', 'viewer'), false)
  assert.equal(grants.inDatabase('SELECT', 'viewer2'), false)
  assert.equal(grants.inDatabase('EVENT', 'other'), true)
  assert.equal(grants.everywhere('SELECT'), false)

  const root = readGrants([
    "GRANT ALL PRIVILEGES ON *.* TO `root`@`localhost` IDENTIFIED BY PASSWORD '*81F5E21E' WITH GRANT OPTION",
  ])
  assert.equal(root.everywhere('SELECT'), true)
  assert.equal(root.inDatabase('EVENT', 'viewer'), true)
  assert.equal(root.onTable('SELECT', 'mysql', 'proc'), true)
})

test('the database of a grant is a pattern, unless its signs are escaped', () => {
  const may = (pattern: string, database: string): boolean =>
    readGrants([`GRANT SELECT ON \`${pattern}\`.* TO \`u\`@\`%\``]).inDatabase('SELECT', database)
  assert.equal(may('dicom%', 'dicom_viewer'), true)
  assert.equal(may('dicom_viewer', 'dicomXviewer'), true)
  assert.equal(may('dicom\\_viewer', 'dicom_viewer'), true)
  assert.equal(may('dicom\\_viewer', 'dicomXviewer'), false)
  assert.equal(may('100\\%', '100%'), true)
  assert.equal(may('a.c', 'abc'), false)
  assert.equal(may('a(+)?[x]', 'a(+)?[x]'), true)
  assert.equal(may('quo``te', 'quo`te'), true)
  assert.equal(may('ber', 'über'), false)
  assert.equal(may('_ber', 'über'), true)
})

test('a further grant names the database as the one that counts does', () => {
  const patternIn = (...patterns: readonly string[]): string | null =>
    readGrants(patterns.map((pattern) => `GRANT SELECT ON ${pattern} TO \`u\`@\`%\``)).patternOf('dicom_viewer')
  assert.equal(patternIn('*.*', '`other`.*', '`dicom_viewer`.`patients`'), null)
  assert.equal(patternIn('`dicom%`.*'), 'dicom%')
  assert.equal(patternIn('`di%`.*', '`dicom_viewer`.*'), 'dicom_viewer')
  assert.equal(patternIn('`dicom_viewer`.*', '`dicom\\_viewer`.*'), 'dicom\\_viewer')
})

test('a grant on a table is none on its database', () => {
  const grants = readGrants([
    'GRANT SELECT ON `mysql`.`proc` TO `u`@`%`',
    'GRANT SELECT (`id`, `name`), INSERT (`id`) ON `viewer`.`patients` TO `u`@`%`',
    'GRANT EXECUTE ON PROCEDURE `viewer`.`p` TO `u`@`%`',
    'GRANT `role`@`%` TO `u`@`%`',
    "GRANT PROXY ON ''@'%' TO 'root'@'localhost' WITH GRANT OPTION",
  ])
  assert.equal(grants.onTable('SELECT', 'mysql', 'proc'), true)
  assert.equal(grants.onTable('SELECT', 'mysql', 'user'), false)
  assert.equal(grants.inDatabase('SELECT', 'mysql'), false)
  assert.equal(grants.onTable('SELECT', 'viewer', 'patients'), false)
  assert.equal(grants.inDatabase('EXECUTE', 'viewer'), false)
})

test('the dynamic privileges of MySQL 8 are read', () => {
  const grants = readGrants([
    'GRANT SELECT, SHOW_ROUTINE ON *.* TO `u`@`%`',
    'GRANT BACKUP_ADMIN,SHOW_ROUTINE ON *.* TO `u`@`%`',
  ])
  assert.equal(grants.everywhere('SHOW_ROUTINE'), true)
  assert.equal(grants.everywhere('BACKUP_ADMIN'), true)
})
