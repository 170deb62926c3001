/** Real files written in other ways: the ids stay, and the place where they lie is another. */
import { deflateRawSync } from 'node:zlib'
import { encodingAt, readElements, readMeta, type Elements } from '../../../src/stages/dicom/layout.ts'
import {
  UNDEFINED,
  element,
  explicitBig,
  explicitLittle,
  implicitLittle,
  item,
  orthancCompressed,
} from './dicom-bytes.ts'
import { preamble, type Encoding } from './dicom-bytes.ts'

const ENCODINGS: Readonly<Record<string, Encoding>> = {
  '1.2.840.10008.1.2': implicitLittle,
  '1.2.840.10008.1.2.1': explicitLittle,
  '1.2.840.10008.1.2.2': explicitBig,
}
const DEFLATED = '1.2.840.10008.1.2.1.99'

interface Parts {
  readonly meta: ReadonlyMap<number, { readonly vr: string; readonly value: Buffer }>
  readonly dataSet: Buffer
  readonly encoding: Encoding
  readonly elements: Elements
}

/** Null: it has no meta information, no ids to move, or a data set that is deflated. */
function partsOf(file: Buffer): Parts | null {
  const found = readMeta(file)
  if (found === null) return null
  const dataSet = file.subarray(found.end)
  const syntax = encodingAt(dataSet, 0)
  const meta = Object.values(found.elements).flatMap((one) => {
    const value = file.subarray(one!.dataOffset, one!.dataOffset + one!.length)
    return [[Number(`0x${one!.tag.slice(1)}`), { vr: one!.vr ?? 'UI', value }] as const]
  })
  const isDeflated = meta.some(([tag, { value }]) => tag === 0x00020010 && value.toString().startsWith(DEFLATED))
  if (syntax === null || isDeflated) return null
  const elements = readElements(dataSet, syntax, 'x0020000e')
  return elements['x0020000d'] === undefined
    ? null
    : { meta: new Map(meta), dataSet, encoding: ENCODINGS[syntax]!, elements }
}

/** In explicit VR as it should be, or in implicit VR. */
function written({ meta, dataSet }: Pick<Parts, 'meta' | 'dataSet'>, encoding = explicitLittle): Buffer {
  const rest = Buffer.concat(
    [...meta].filter(([tag]) => tag !== 0x00020000).map(([tag, { vr, value }]) => element(tag, vr, value, encoding)),
  )
  const length = Buffer.alloc(4)
  length.writeUInt32LE(rest.length)
  return Buffer.concat([preamble, element(0x00020000, 'UL', length, encoding), rest, dataSet])
}

/** In the data set, before group 0009. The parser adds a transfer syntax of its own, which lies nowhere. */
const isBefore = ({ tag }: { readonly tag: string }): boolean => tag > 'x00030000' && tag < 'x00090000'

/** Of so many references, before the first element of group 0010 or a later one. */
function withLongSequence(parts: Parts, isOpen: boolean): Buffer {
  const { dataSet, encoding, elements } = parts
  const before = Object.values(elements).filter((one) => isBefore(one!))
  const at = Math.max(0, ...before.map((one) => one!.dataOffset + one!.length))
  const one = element(0x00091011, 'UI', '1.3.6.1.4.1.14519.5.2.1.99.1.1234567890\0', encoding)
  const items = Array.from({ length: 1500 }, () =>
    isOpen
      ? [item(0xfffee000, UNDEFINED, encoding), one, item(0xfffee00d, 0, encoding)]
      : [item(0xfffee000, one.length, encoding), one],
  ).flat()
  const content = Buffer.concat([...items, ...(isOpen ? [item(0xfffee0dd, 0, encoding)] : [])])
  const creator = element(0x00090010, 'LO', 'DICOM BACKUP', encoding)
  const sequence = element(0x00091010, 'SQ', content, encoding, isOpen ? UNDEFINED : undefined)
  return written({
    ...parts,
    dataSet: Buffer.concat([dataSet.subarray(0, at), creator, sequence, dataSet.subarray(at)]),
  })
}

/** The patient's id and the study's UID with more padding than they need. */
function padded(parts: Parts): Buffer {
  const { dataSet, encoding, elements } = parts
  const pieces: Buffer[] = []
  let at = 0
  for (const [name, vr, pad] of [
    ['x00100020', 'LO', '    '],
    ['x0020000d', 'UI', '\0\0'],
  ] as const) {
    const old = elements[name]
    if (old === undefined) continue
    const value = dataSet.subarray(old.dataOffset, old.dataOffset + old.length)
    pieces.push(dataSet.subarray(at, old.dataOffset - (old.vr === 'UN' ? 12 : 8)))
    pieces.push(element(Number(`0x${name.slice(1)}`), vr, Buffer.concat([value, Buffer.from(pad)]), encoding))
    at = old.dataOffset + old.length
  }
  return written({ ...parts, dataSet: Buffer.concat([...pieces, dataSet.subarray(at)]) })
}

/** By what was done to it. Only Orthanc's form cannot be read by others. */
export function rewritten(file: Buffer): ReadonlyMap<string, Buffer> {
  const forms = new Map([['compressed by Orthanc', orthancCompressed(file)]])
  const parts = partsOf(file)
  if (parts === null) return forms
  const { meta, dataSet, encoding } = parts
  forms.set('after a long sequence of known length', withLongSequence(parts, false))
  forms.set('after a long sequence of undefined length', withLongSequence(parts, true))
  forms.set('with meta information in implicit VR', written(parts, implicitLittle))
  forms.set('with padded ids', padded(parts))
  if (encoding === explicitLittle) {
    const syntax = { vr: 'UI', value: Buffer.from(DEFLATED) }
    const deflated = new Map([...meta, [0x00020010, syntax] as const])
    // Pixels take long to deflate, and nothing is learnt from them.
    const last = parts.elements['x0020000e'] ?? parts.elements['x0020000d']
    const short = { ...parts, dataSet: dataSet.subarray(0, last!.dataOffset + last!.length) }
    forms.set('deflated', written({ meta: deflated, dataSet: deflateRawSync(short.dataSet) }))
    forms.set(
      'long and deflated',
      written({ meta: deflated, dataSet: deflateRawSync(bodyOf(withLongSequence(short, true))) }),
    )
  }
  return forms
}

const bodyOf = (file: Buffer): Buffer => file.subarray(readMeta(file)!.end)
