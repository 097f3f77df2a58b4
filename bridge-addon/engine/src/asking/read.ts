/** Marks what came in as read, also for whoever wrote it, unless the owner keeps that to himself. */

import type { WAMessageKey, WASocket } from 'baileys'
import type { Chat } from '../sending/chat.ts'
import { keyOf } from '../sending/message-key.ts'
import type { SessionStore } from '../session-store.ts'

interface ReadMessage {
	message_id: string
	author: string | null
}

/** Named as they came in; what is no longer known is named as the chat is addressed now. */
export async function markRead(
	chat: Chat,
	messages: ReadMessage[],
	socket: WASocket,
	store: SessionStore
): Promise<void> {
	const keys: WAMessageKey[] = []
	for (const { message_id: id, author } of messages) {
		const address = store.addressOf(id)
		if (address) keys.push({ id, remoteJid: address.jid, participant: address.participant, fromMe: false })
		else keys.push(await keyOf(chat, id, author ?? (chat.type === 'person' ? chat.id : null), socket))
	}
	await socket.readMessages(keys)
}
