/** Forwarding: the same content once more, its file not uploaded again, marked with how often it has been passed on. */

import { normalizeMessageContent, proto } from 'baileys'
import { partOf } from '../parts.ts'
import { notPossible } from './possible.ts'

const NOT_FORWARDED: readonly (keyof proto.IMessage)[] = [
	'reactionMessage',
	'protocolMessage',
	'albumMessage',
	'eventMessage'
]

export function forwarded(kept: proto.IMessage): proto.IMessage {
	if (kept.viewOnceMessageV2 || kept.viewOnceMessageV2Extension || kept.viewOnceMessage)
		throw notPossible('what can be viewed once is not forwarded')
	const content = normalizeMessageContent(kept)
	if (content?.conversation) return { extendedTextMessage: { text: content.conversation, contextInfo: mark(0) } }
	const { kind, part } = partOf(content ?? {}) ?? {}
	if (!kind || !part || NOT_FORWARDED.includes(kind)) throw notPossible('a message of this kind is not forwarded')
	const { contextInfo } = part as { contextInfo?: proto.IContextInfo | null }
	return { [kind]: { ...part, contextInfo: mark(contextInfo?.forwardingScore ?? 0) } }
}

const mark = (score: number): proto.IContextInfo => ({ isForwarded: true, forwardingScore: score + 1 })
