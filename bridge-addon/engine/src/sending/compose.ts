/** From an order to the message that recipients decrypt, its file uploaded. */

import { randomBytes } from 'node:crypto'
import { proto, type WASocket } from 'baileys'
import type { SessionStore } from '../session-store.ts'
import { edit, notKept, reaction, revocation } from './changes.ts'
import type { Chat } from './chat.ts'
import { contextOf, wordsWithMentions } from './context.ts'
import { forwarded } from './forward.ts'
import { mediaMessage, mediaType, uploadFolder } from './media-content.ts'
import { openMediaFile } from './media-file.ts'
import type { MediaHosts } from '../media-hosts.ts'
import { upload } from './media-upload.ts'
import { ownKey } from './message-key.ts'
import { type Content, type Order, wordsOf } from './order.ts'
import { withContext } from '../parts.ts'
import { plainMessage, statusText } from './plain-content.ts'

const SECRET_LENGTH = 32

export interface Composed {
	message: proto.IMessage
	/** the media host's name for a channel's file */
	handle: string | null
}

export interface Composing {
	chat: Chat
	socket: WASocket
	store: SessionStore
	hosts: MediaHosts
	/** ends an upload */
	signal: AbortSignal
}

export async function compose(order: Order, composing: Composing): Promise<Composed> {
	const { chat, socket, store } = composing
	const content = await withWords(order, composing)
	switch (content.type) {
		case 'reaction':
			return plain(await reaction(content, chat, socket))
		case 'revoke':
			return plain(await revocation(content, chat, socket, store))
		case 'edit':
			return plain(edit(content, content.text, await contextOf(order, chat, socket, store), chat, store))
		case 'forward': {
			const kept = store.sent(content.message_id)
			if (!kept) throw notKept('the message to forward is not kept any more')
			return plain(withSecret(forwarded(kept.message), chat))
		}
	}
	const context = await contextOf(order, chat, socket, store)
	const association = albumOf(content, chat, store)
	const { message, handle } = await contentMessage(content, composing)
	if (chat.type === 'status' && message.extendedTextMessage)
		message.extendedTextMessage = statusText(message.extendedTextMessage)
	return { message: withSecret(around(message, context), chat, association), handle }
}

const plain = (message: proto.IMessage): Composed => ({ message, handle: null })

async function withWords({ content, mentions }: Order, { chat, socket }: Composing): Promise<Content> {
	const words = wordsOf(content)
	if (!words) return content
	const written = await wordsWithMentions(words, mentions, chat, socket)
	return 'text' in content
		? { ...content, text: written }
		: 'caption' in content
			? { ...content, caption: written }
			: content
}

type Settled = Exclude<Content, { type: 'reaction' | 'revoke' | 'edit' | 'forward' }>

async function contentMessage(content: Settled, { chat, socket, hosts, signal }: Composing): Promise<Composed> {
	if (!('media' in content)) return plain(plainMessage(content))
	const toChannel = chat.type === 'channel'
	const { path, size } = content.media
	const file = await openMediaFile(path, size, mediaType(content), !toChannel, signal)
	const folder = uploadFolder(content, toChannel)
	const uploaded = await upload(file, folder, fresh => hosts.ask(socket, fresh), signal)
	return { message: mediaMessage(content, file, uploaded), handle: uploaded.handle }
}

/** Puts the context on the content itself, also inside of a view-once frame. */
function around(message: proto.IMessage, context: proto.IContextInfo | undefined): proto.IMessage {
	for (const frame of ['viewOnceMessageV2', 'viewOnceMessageV2Extension'] as const) {
		const inner = message[frame]?.message
		if (inner) return { [frame]: { message: withContext(inner, context) } }
	}
	return withContext(message, context)
}

/** A part of an album names its frame. */
function albumOf(content: Settled, chat: Chat, store: SessionStore): proto.IMessageAssociation | undefined {
	if (!('album' in content) || !content.album) return undefined
	const frame = store.sent(content.album)
	if (frame?.chat !== chat.id || !frame.message.albumMessage)
		throw notKept('no album with this id was sent in this chat')
	const { MEDIA_ALBUM } = proto.MessageAssociation.AssociationType
	return { associationType: MEDIA_ALBUM, parentMessageKey: ownKey(chat, content.album) }
}

/** Votes, reports and answers to an event are sealed with the message's secret; a channel's followers have none. */
function withSecret(
	message: proto.IMessage,
	chat: Chat,
	messageAssociation?: proto.IMessageAssociation
): proto.IMessage {
	if (chat.type === 'channel') return message
	return { ...message, messageContextInfo: { messageSecret: randomBytes(SECRET_LENGTH), messageAssociation } }
}
