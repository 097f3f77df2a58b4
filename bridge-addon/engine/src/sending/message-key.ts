/** How one message names another: in the form of the chat, the author only where it is somebody else in a group. */

import type { proto, WASocket } from 'baileys'
import { type Chat, personJid } from './chat.ts'

export const ownKey = ({ jid }: Chat, id: string): proto.IMessageKey => ({ remoteJid: jid, fromMe: true, id })

export async function keyOf(
	chat: Chat,
	id: string,
	author: string | null,
	socket: WASocket
): Promise<proto.IMessageKey> {
	const participant = await personJid(chat, author, socket)
	if (!participant) return ownKey(chat, id)
	return { remoteJid: chat.jid, fromMe: false, id, ...(chat.type === 'group' ? { participant } : {}) }
}
