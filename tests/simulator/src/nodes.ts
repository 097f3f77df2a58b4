/** Reading and making the binary XML nodes that WhatsApp's stanzas are. */

import { type BinaryNode, getBinaryNodeChild, getBinaryNodeChildren } from 'baileys'

export type { BinaryNode }
export { getBinaryNodeChild as child, getBinaryNodeChildren as children }

export const SERVER = '@s.whatsapp.net'

type Content = BinaryNode['content']

export function node(tag: string, attrs: Record<string, string | undefined> = {}, content?: Content): BinaryNode {
	const present: Record<string, string> = {}
	for (const [name, value] of Object.entries(attrs)) if (value !== undefined) present[name] = value
	return { tag, attrs: present, content }
}

/** The bytes of a child's content; empty where there is none. */
export function childBytes(parent: BinaryNode | undefined, tag: string): Buffer {
	const content = getBinaryNodeChild(parent, tag)?.content
	return content === undefined || Array.isArray(content) ? Buffer.alloc(0) : Buffer.from(content as Uint8Array)
}

/** The first child of an iq, which names what is asked. */
export function firstChild(parent: BinaryNode): BinaryNode | undefined {
	return Array.isArray(parent.content) ? parent.content[0] : undefined
}

export function bigEndian(value: number, length: number): Buffer {
	const bytes = Buffer.alloc(length)
	bytes.writeUIntBE(value, 0, length)
	return bytes
}

export const seconds = (): string => String(Math.floor(Date.now() / 1000))

/** What tells one stanza that must be answered from another; several devices send receipts for the same id. */
export const stanzaKey = ({ tag, attrs }: BinaryNode): string =>
	key(tag, attrs.id, attrs.from, attrs.participant, attrs.type)

/** The keys of the stanzas that an answer is for. A receipt for several messages names the further ones in a list. */
export function answeredKey(answer: BinaryNode): string[] {
	const { id, type, to, participant } = answer.attrs
	if (answer.tag === 'iq') return type === 'result' || type === 'error' ? [key('iq', id)] : []
	if (answer.tag === 'ack') return [key(answer.attrs.class ?? '', id, to, participant, type)]
	if (answer.tag !== 'receipt') return []
	const further = getBinaryNodeChildren(getBinaryNodeChild(answer, 'list'), 'item').map(({ attrs }) => attrs.id)
	return [id, ...further].map(message => key('message', message))
}

const key = (kind: string, id: string | undefined, ...receipt: (string | undefined)[]): string =>
	[kind, id, ...(kind === 'receipt' ? receipt : [])].join(' ')
