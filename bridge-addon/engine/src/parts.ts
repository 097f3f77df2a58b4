/** The one part of a message that is its content (`imageMessage`, `pollCreationMessage`, …), with what stands around it. */

import { getContentType, proto } from 'baileys'

export interface Part {
	kind: keyof proto.IMessage
	part: object
}

export function partOf(message: proto.IMessage): Part | undefined {
	const kind = getContentType(message)
	const part = kind && message[kind]
	return kind && typeof part === 'object' && part !== null ? { kind, part } : undefined
}

export function withContext(message: proto.IMessage, contextInfo: proto.IContextInfo | undefined): proto.IMessage {
	const found = contextInfo && partOf(message)
	return found ? { ...message, [found.kind]: { ...found.part, contextInfo } } : message
}
