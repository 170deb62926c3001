import assert from 'node:assert/strict'
import test from 'node:test'
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatDicom,
  formatFiles,
  formatLocalMinute,
  formatLocalTime,
  formatPercent,
  formatRange,
  formatRate,
  formatRatio,
  formatTimeLeft,
} from '../../../src/cli/display/format.ts'
import { GIB, KIB, MIB, TIB } from './samples.ts'

const claims = <T>(format: (value: T) => unknown, expected: readonly (readonly [T, unknown])[]): void => {
  assert.deepEqual(
    expected.map(([value]) => [value, format(value)]),
    expected.map((pair) => [...pair]),
  )
}

test('bytes have binary units and three digits', () => {
  claims(formatBytes, [
    [0, '0 B'],
    [1, '1 B'],
    [1023, '1023 B'],
    [1024, '1.00 KiB'],
    [10 * KIB - 1, '10.0 KiB'],
    [41.2 * MIB, '41.2 MiB'],
    [99.95 * MIB, '100 MiB'],
    [1023.4 * MIB, '1023 MiB'],
    [GIB - 1, '1.00 GiB'],
    [GIB, '1.00 GiB'],
    [2.88 * TIB, '2.88 TiB'],
    [Number.MAX_SAFE_INTEGER, '8.00 PiB'],
    [2 ** 75, '32768 EiB'],
  ])
})

test('counts have thousands separators', () => {
  claims(formatCount, [
    [0, '0'],
    [999, '999'],
    [1000, '1,000'],
    [1_003_211, '1,003,211'],
  ])
  assert.equal(formatFiles(1), '1 file')
  assert.equal(formatFiles(0), '0 files')
  assert.equal(formatFiles(2000), '2,000 files')
})

test('a rate is bytes a second', () => {
  assert.equal(formatRate(41.2 * MIB), '41.2 MiB/s')
})

test('a percentage says 100 % only of the whole', () => {
  claims(formatPercent, [
    [0, '0.0 %'],
    [0.0009, '0.0 %'],
    [0.423, '42.3 %'],
    [0.999999, '99.9 %'],
    [1, '100 %'],
  ])
})

test('a ratio is told only when both sizes are there and something was gained', () => {
  assert.equal(formatRatio(204, 100), '2.04:1')
  assert.equal(formatRatio(100, 101), null)
  assert.equal(formatRatio(0, 100), null)
  assert.equal(formatRatio(100, 0), null)
})

test('a duration is its two largest units', () => {
  claims(formatDuration, [
    [0, '<1 s'],
    [999, '<1 s'],
    [1000, '1 s'],
    [59_999, '59 s'],
    [60_000, '1 min'],
    [245_000, '4 min 5 s'],
    [3_599_000, '59 min 59 s'],
    [3_600_000, '1 h'],
    [7_505_000, '2 h 5 min'],
    [86_399_000, '23 h 59 min'],
    [3 * 86_400_000 + 4 * 3_600_000 + 59_000, '3 d 4 h'],
    [86_400_000 + 59_000, '1 d'],
  ])
})

test('a time left is rounded to what stands still', () => {
  claims(formatTimeLeft, [
    [1, 'about 5 s left'],
    [12_400, 'about 10 s left'],
    [59_999, 'about 1 min left'],
    [126_000, 'about 2 min 10 s left'],
    [1_234_000, 'about 21 min left'],
    [7_505_000, 'about 2 h 5 min left'],
    [100_000_000, 'about 1 d 4 h left'],
  ])
})

test('a time is that of the machine, however it was written', () => {
  const zone = process.env.TZ
  try {
    process.env.TZ = 'Europe/Berlin'
    assert.equal(formatLocalTime('2026-03-04T12:00:05+00:00'), '2026-03-04 13:00:05')
    assert.equal(formatLocalTime('2026-07-04T23:00:05-03:00'), '2026-07-05 04:00:05')
    assert.equal(formatLocalTime(0), '1970-01-01 01:00:00')
    assert.equal(formatLocalMinute('2026-07-04T23:00:59-03:00'), '2026-07-05 04:00')
  } finally {
    if (zone === undefined) delete process.env.TZ
    else process.env.TZ = zone
  }
})

test('what is missing of DICOM among the files is said, and nothing when nothing is, or it is not known', () => {
  const said = (files: number, dicom: number, withoutStudy: number): string | null =>
    formatDicom(files, { files: dicom, withoutStudy })
  assert.equal(said(12, 0, 0), 'none of the 12 files is a DICOM file: check dicom.root')
  assert.equal(said(1, 0, 0), 'the file is not a DICOM file: check dicom.root')
  assert.equal(said(1300, 1200, 3), '3 of 1,200 DICOM files have no study UID')
  assert.equal(said(1300, 1200, 1), '1 of 1,200 DICOM files has no study UID')
  assert.equal(said(1300, 1200, 1200), 'none of the 1,200 DICOM files has a study UID')
  assert.equal(said(2, 1, 1), 'the DICOM file has no study UID')
  for (const nothing of [said(0, 0, 0), said(12, 1, 0), formatDicom(12, null)]) assert.equal(nothing, null)
})

test('several values are told as one, or from the least to the most, as people read them', () => {
  const range = (values: readonly number[]): string => formatRange(values, formatBytes)
  claims(range, [
    [[GIB], '1.00 GiB'],
    [[GIB, GIB + 1], '1.00 GiB'],
    [[GIB, 0, MIB], '0 B to 1.00 GiB'],
  ])
})
