/** Turns Baileys' messages into the protocol's, each told once. */

import { getContentType, normalizeMessageContent, type proto, type WAMessage, type WASocket } from 'baileys'
import { bareJid, chatId, chatType, type Person, personId } from './addresses.ts'
import { identify } from './people.ts'
import { type Content, type ReceivedMessage, rfc3339 } from './protocol.ts'
import type { SessionStore } from './session-store.ts'

/** A message from before this many milliseconds ahead of the connection waited at the server. */
const BACKLOG_MARGIN = 2_000

/** What carries no words of anybody: keys, protocol notes, and updates that have their own events. */
const SILENT_KINDS: ReadonlySet<string> = new Set([
	'protocolMessage',
	'senderKeyDistributionMessage',
	'messageContextInfo',
	'reactionMessage',
	'pollUpdateMessage',
	'encReactionMessage',
	'keepInChatMessage',
	'pinInChatMessage'
])

export function contentOf(message: proto.IMessage | null | undefined): Content | undefined {
	const content = normalizeMessageContent(message)
	const kind = getContentType(content)
	if (!content || !kind || SILENT_KINDS.has(kind)) return undefined
	const text = content.conversation ?? content.extendedTextMessage?.text
	return typeof text === 'string' && text ? { type: 'text', text } : { type: 'unsupported', kind }
}

export interface Own {
	phone: string | null
	lid: string | null
}

export interface Received {
	message: Omit<ReceivedMessage, 'delivery'>
	/** what tells it from every other message */
	identity: { chat: string; sender: string; messageId: string }
}

/** Returns undefined for what is not to be told: own sends, keys, and what could not be decrypted yet. */
export async function receivedMessage(
	account: string,
	message: WAMessage,
	socket: WASocket,
	store: SessionStore,
	own: Own,
	connectedAt: number
): Promise<Received | undefined> {
	const { key } = message
	const content = contentOf(message.message)
	const type = key.remoteJid ? chatType(key.remoteJid) : undefined
	if (!content || !type || !key.remoteJid || !key.id) return undefined
	const fromMe = key.fromMe ?? false
	if (fromMe && store.sent(key.id)) return undefined

	const sender = fromMe ? own : await senderOf(message, type, socket)
	const chat = type === 'person' ? personId(await chatPartner(message, socket, own)) : chatId(key.remoteJid, type)
	const timestamp = Number(message.messageTimestamp ?? 0) * 1000
	return {
		identity: { chat, sender: fromMe ? 'me' : personId(sender), messageId: key.id },
		message: {
			account,
			message_id: key.id,
			chat: { id: chat, type },
			sender: { ...sender, push_name: message.pushName ?? null },
			from_me: fromMe,
			timestamp: rfc3339(timestamp || Date.now()),
			backlog: timestamp > 0 && timestamp < connectedAt - BACKLOG_MARGIN,
			content
		}
	}
}

async function senderOf({ key }: WAMessage, type: string, socket: WASocket): Promise<Person> {
	if (type === 'person') return identify(socket, bareJid(key.remoteJid ?? ''), key.remoteJidAlt)
	return identify(socket, bareJid(key.participant || key.remoteJid || ''), key.participantAlt)
}

/** The other one in a chat of two. For what we wrote, Baileys' alternative form may be our own. */
async function chatPartner({ key }: WAMessage, socket: WASocket, own: Own): Promise<Person> {
	const jid = bareJid(key.remoteJid ?? '')
	if (!key.fromMe) return identify(socket, jid, key.remoteJidAlt)
	const partner = await identify(socket, jid, key.remoteJidAlt)
	const foreign = (value: string | null, mine: string | null) => (value === mine ? null : value)
	const cleaned = { phone: foreign(partner.phone, own.phone), lid: foreign(partner.lid, own.lid) }
	return cleaned.phone || cleaned.lid ? cleaned : partner
}
