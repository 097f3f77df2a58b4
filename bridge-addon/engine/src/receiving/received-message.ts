/** Turns Baileys' messages into the protocol's. */

import { normalizeMessageContent, type WAMessage, type WASocket } from 'baileys'
import { bareJid, chatId, chatType, type Person, personId } from '../addresses.ts'
import { identify } from '../people.ts'
import { type ReceivedMessage, rfc3339 } from '../protocol.ts'
import type { Once, SessionStore } from '../session-store.ts'
import { albumOf, aroundOf } from './around.ts'
import { contentOf } from './content.ts'
import type { Around } from './contents.ts'
import { keptOf } from './kept.ts'

/** A message from before this many milliseconds ahead of the connection waited at the server. */
export const BACKLOG_MARGIN = 2_000

export interface Received {
	message: Omit<ReceivedMessage, 'delivery'>
	/** what tells it from every other message, and what is needed of it later */
	once: Once
}

/** Where a message came in. */
export interface Receiver {
	account: string
	socket: WASocket
	store: SessionStore
	own: Person
	/** Unix milliseconds */
	connectedAt: number
}

/** Returns undefined for what is not to be told: own sends, keys, and what could not be decrypted yet. */
export async function receivedMessage(message: WAMessage, receiver: Receiver): Promise<Received | undefined> {
	const { store, own, socket } = receiver
	const content = normalizeMessageContent(message.message)
	const frame = await frameOf(message, receiver)
	if (!frame) return undefined
	if (isViewOnce(message.key)) return { once: frame.once, message: { ...frame.message, ...ONLY_ON_THE_PHONE } }
	if (!message.message || !content || (frame.message.from_me && store.sent(frame.once.messageId))) return undefined

	const { sender } = frame
	const personIdOf = async (jid: string) => personId(await identify(socket, bareJid(jid)))
	const authorOf = async (jid: string) => {
		const author = await personIdOf(jid)
		return author === own.phone || author === `lid:${own.lid}` ? null : author
	}
	const said = await contentOf(content, {
		store,
		sender,
		own,
		album: albumOf(message.message, content),
		authorOf: async named => {
			const jid = named?.fromMe ? undefined : named?.participant || named?.remoteJid
			return jid ? authorOf(jid) : null
		}
	})
	if (!said) return undefined
	const kept = keptOf(message.message, content)
	const around = await aroundOf(message.message, content, { personIdOf, authorOf })
	return {
		once: { ...frame.once, kept: kept && { key: message.key, author: sender, message: kept } },
		message: { ...frame.message, content: said, ...around }
	}
}

/** Baileys marks so what is to be viewed once: WhatsApp gives it to the phone alone, and tells others no more than that it is there. */
const isViewOnce = (key: WAMessage['key']): boolean => (key as { isViewOnce?: boolean }).isViewOnce === true

const ONLY_ON_THE_PHONE = {
	content: { type: 'unsupported', kind: 'viewOnceMessage' },
	quote: null,
	mentions: [],
	forwarded: false,
	view_once: true
} satisfies Pick<ReceivedMessage, 'content' | keyof Around>

interface Frame {
	sender: Person
	once: Once
	message: Omit<ReceivedMessage, 'delivery' | 'content' | keyof Around>
}

/** Who wrote when and where; undefined where that is no chat. */
async function frameOf(message: WAMessage, receiver: Receiver): Promise<Frame | undefined> {
	const { key } = message
	const { account, socket, own, connectedAt } = receiver
	const type = key.remoteJid ? chatType(key.remoteJid) : undefined
	if (!type || !key.remoteJid || !key.id) return undefined
	const fromMe = key.fromMe ?? false
	const sender = fromMe ? own : await senderOf(message, type, socket)
	const chat = type === 'person' ? personId(await chatPartner(message, socket, own)) : chatId(key.remoteJid, type)
	const timestamp = Number(message.messageTimestamp ?? 0) * 1000
	// a channel's posts are of nobody
	const author = sender.phone || sender.lid ? personId(sender) : chat
	return {
		sender,
		once: {
			chat,
			sender: fromMe ? 'me' : author,
			messageId: key.id,
			address: { jid: key.remoteJid, participant: key.participant || null }
		},
		message: {
			account,
			message_id: key.id,
			chat: { id: chat, type },
			sender: { ...sender, push_name: message.pushName ?? null },
			from_me: fromMe,
			timestamp: rfc3339(timestamp || Date.now()),
			backlog: timestamp > 0 && timestamp < connectedAt - BACKLOG_MARGIN
		}
	}
}

async function senderOf({ key }: WAMessage, type: string, socket: WASocket): Promise<Person> {
	if (type === 'person') return identify(socket, bareJid(key.remoteJid ?? ''), key.remoteJidAlt)
	return identify(socket, bareJid(key.participant || key.remoteJid || ''), key.participantAlt)
}

/** The other one in a chat of two. For what we wrote, Baileys' alternative form may be our own. */
async function chatPartner({ key }: WAMessage, socket: WASocket, own: Person): Promise<Person> {
	const jid = bareJid(key.remoteJid ?? '')
	if (!key.fromMe) return identify(socket, jid, key.remoteJidAlt)
	const partner = await identify(socket, jid, key.remoteJidAlt)
	const foreign = (value: string | null, mine: string | null) => (value === mine ? null : value)
	const cleaned = { phone: foreign(partner.phone, own.phone), lid: foreign(partner.lid, own.lid) }
	return cleaned.phone || cleaned.lid ? cleaned : partner
}
