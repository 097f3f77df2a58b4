/** Messages that change what another one is: reactions, edits, revocations. */

import { normalizeMessageContent, proto, type WASocket } from 'baileys'
import { EngineError } from '../protocol.ts'
import type { SessionStore } from '../session-store.ts'
import { type Chat, weAreAdmin } from './chat.ts'
import { keyOf, ownKey } from './message-key.ts'
import type { ContentOf } from './order.ts'
import { partOf, withContext } from '../parts.ts'
import { notPossible, refuseLateEdit } from './possible.ts'

export const notKept = (what: string) => new EngineError('message_not_kept', what)

export async function reaction(
	{ message_id, author, emoji }: ContentOf<'reaction'>,
	chat: Chat,
	socket: WASocket
): Promise<proto.IMessage> {
	const key = await keyOf(chat, message_id, author, socket)
	return { reactionMessage: { key, text: emoji, senderTimestampMs: Date.now() } }
}

/** Ours, sent from here in the last minutes. A caption is changed with the file around it. */
export function edit(
	{ message_id }: ContentOf<'edit'>,
	words: string,
	context: proto.IContextInfo | undefined,
	chat: Chat,
	store: SessionStore
): proto.IMessage {
	const kept = store.sent(message_id)
	if (!kept || kept.chat !== chat.id) throw notKept('no message of ours with this id was sent in this chat')
	refuseLateEdit(kept.at)
	const { MESSAGE_EDIT } = proto.Message.ProtocolMessage.Type
	const editedMessage = withContext(reworded(kept.message, words), context)
	return {
		protocolMessage: { key: ownKey(chat, message_id), type: MESSAGE_EDIT, editedMessage, timestampMs: Date.now() }
	}
}

/** A message of ours with other words, and nothing around it. */
function reworded(message: proto.IMessage, words: string): proto.IMessage {
	if (message.viewOnceMessageV2) throw notPossible('what can be viewed once is not edited')
	const { kind, part } = partOf(normalizeMessageContent(message) ?? {}) ?? {}
	if (kind === 'extendedTextMessage') return { extendedTextMessage: { text: words } }
	if (!kind || !part || !['imageMessage', 'videoMessage', 'documentMessage'].includes(kind))
		throw notPossible('only a text or a caption can be edited')
	return { [kind]: { ...part, caption: words, contextInfo: null } }
}

export async function revocation(
	{ message_id, author }: ContentOf<'revoke'>,
	chat: Chat,
	socket: WASocket,
	store: SessionStore
): Promise<proto.IMessage> {
	const key = await keyOf(chat, message_id, author, socket)
	if (key.fromMe && !store.wroteOurselves(message_id, chat.id)) throw notKept('we wrote no such message in this chat')
	if (!key.fromMe && !weAreAdmin(chat))
		throw notPossible("somebody else's message can be revoked by a group's admin only")
	return { protocolMessage: { key, type: proto.Message.ProtocolMessage.Type.REVOKE } }
}
