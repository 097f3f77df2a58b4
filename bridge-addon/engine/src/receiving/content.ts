/** What a received message says, in the protocol's words: docs/engine-protocol.md, `message.received`. */

import { getContentType, normalizeMessageContent, proto } from 'baileys'
import { readCard } from './contact-card.ts'
import type { Content } from './contents.ts'
import { describeMedia } from './media.ts'
import { answerOf, choicesOf } from './votes.ts'
import type { Reading } from './reading.ts'

const { REVOKE, MESSAGE_EDIT } = proto.Message.ProtocolMessage.Type

type Part<K extends keyof proto.IMessage> = NonNullable<proto.IMessage[K]>
type Readers = {
	[K in keyof proto.IMessage]?: (part: Part<K>, reading: Reading) => Promise<Content | undefined> | Content | undefined
}

const READERS: Readers = {
	conversation: text => ({ type: 'text', text, link_preview: null }),
	extendedTextMessage: part => text(part),
	imageMessage: (part, { album }) => ({
		type: 'image',
		media: describeMedia(part),
		caption: part.caption || null,
		album
	}),
	videoMessage: video,
	ptvMessage: video,
	audioMessage: part => ({ type: part.ptt ? 'voice' : 'audio', media: describeMedia(part) }),
	documentMessage: part => ({
		type: 'document',
		media: describeMedia(part),
		caption: part.caption || null,
		file_name: part.fileName || part.title || null
	}),
	stickerMessage: part => ({ type: 'sticker', media: describeMedia(part), animated: part.isAnimated ?? false }),
	locationMessage: part => ({
		type: 'location',
		...coordinates(part),
		name: part.name || null,
		address: part.address || null,
		live: part.isLive ?? false
	}),
	liveLocationMessage: part => ({
		type: 'location',
		...coordinates(part),
		name: part.caption || null,
		address: null,
		live: true
	}),
	contactMessage: part => ({ type: 'contacts', contacts: [readCard(part)] }),
	contactsArrayMessage: ({ contacts }) => ({ type: 'contacts', contacts: (contacts ?? []).map(readCard) }),
	pollCreationMessage: poll,
	pollCreationMessageV2: poll,
	pollCreationMessageV3: poll,
	pollCreationMessageV5: poll,
	eventMessage: event,
	albumMessage: part => ({
		type: 'album',
		images: part.expectedImageCount ?? 0,
		videos: part.expectedVideoCount ?? 0
	}),
	reactionMessage: async ({ key, text: emoji }, { authorOf }) => ({
		type: 'reaction',
		...named(key),
		author: await authorOf(key),
		emoji: emoji ?? ''
	}),
	pollUpdateMessage: async (part, reading) => {
		const options = await choicesOf(part, reading)
		return options && { type: 'poll_vote', ...named(part.pollCreationMessageKey), options }
	},
	encEventResponseMessage: async (part, reading) => {
		const response = await answerOf(part, reading)
		return response && { type: 'event_response', ...named(part.eventCreationMessageKey), response }
	},
	buttonsResponseMessage: part => choice(part.contextInfo, part.selectedButtonId, part.selectedDisplayText),
	listResponseMessage: part => choice(part.contextInfo, part.singleSelectReply?.selectedRowId, part.title),
	templateButtonReplyMessage: part => choice(part.contextInfo, part.selectedId, part.selectedDisplayText),
	groupInviteMessage: part => ({
		type: 'group_invite',
		chat: `group:${part.groupJid?.split('@')[0] ?? ''}`,
		subject: part.groupName || null,
		code: part.inviteCode || null,
		expires_at: rfc3339OrNull(part.inviteExpiration),
		text: part.caption || null
	}),
	protocolMessage: change
}

/** What tells of keys and settings between devices: nothing that somebody says. */
const SILENT: ReadonlySet<string> = new Set([
	'senderKeyDistributionMessage',
	'messageContextInfo',
	'keepInChatMessage',
	'pinInChatMessage'
])

/** The words that a message shows: a text, or what stands below a picture. */
export function wordsOf(message: proto.IMessage | null | undefined): string | null {
	const content = normalizeMessageContent(message) ?? {}
	const captioned = content.imageMessage ?? content.videoMessage ?? content.ptvMessage ?? content.documentMessage
	return content.conversation || content.extendedTextMessage?.text || captioned?.caption || null
}

/** Undefined for what nobody says: keys and notes between devices. */
export async function contentOf(content: proto.IMessage, reading: Reading): Promise<Content | undefined> {
	const kind = getContentType(content)
	if (!kind || SILENT.has(kind)) return undefined
	const read = READERS[kind] as ((part: unknown, reading: Reading) => Promise<Content | undefined>) | undefined
	const part = content[kind]
	const known = read && part !== null && (await read(part, reading))
	if (known || kind === 'protocolMessage') return known || undefined
	return { type: 'unsupported', kind }
}

function text(part: proto.Message.IExtendedTextMessage): Content | undefined {
	if (!part.text) return undefined
	const { matchedText: url, title, description } = part
	return {
		type: 'text',
		text: part.text,
		link_preview: url ? { url, title: title || null, description: description || null } : null
	}
}

function video(part: proto.Message.IVideoMessage, { album }: Reading): Content {
	const media = describeMedia(part)
	return { type: 'video', media, caption: part.caption || null, gif: part.gifPlayback ?? false, album }
}

const coordinates = ({ degreesLatitude, degreesLongitude }: proto.Message.ILocationMessage) => ({
	latitude: degreesLatitude ?? 0,
	longitude: degreesLongitude ?? 0
})

function poll(part: proto.Message.IPollCreationMessage): Content {
	const options = (part.options ?? []).map(({ optionName }) => optionName ?? '')
	return { type: 'poll', question: part.name ?? '', options, selectable: part.selectableOptionsCount ?? 0 }
}

function event(part: proto.Message.IEventMessage): Content {
	const { location } = part
	return {
		type: 'event',
		name: part.name ?? '',
		description: part.description || null,
		start: rfc3339OrNull(part.startTime),
		end: rfc3339OrNull(part.endTime),
		location: location
			? { ...coordinates(location), name: location.name || null, address: location.address || null }
			: null,
		cancelled: part.isCanceled ?? false
	}
}

async function change(part: proto.Message.IProtocolMessage): Promise<Content | undefined> {
	if (part.type === REVOKE) return { type: 'revoke', ...named(part.key) }
	const words = part.type === MESSAGE_EDIT ? wordsOf(part.editedMessage) : null
	return words === null ? undefined : { type: 'edit', ...named(part.key), text: words }
}

const choice = (
	context: proto.IContextInfo | null | undefined,
	id?: string | null,
	words?: string | null
): Content => ({
	type: 'choice',
	message_id: context?.stanzaId || null,
	id: id || null,
	text: words || null
})

const named = (key: proto.IMessageKey | null | undefined) => ({ message_id: key?.id ?? '' })

const rfc3339OrNull = (seconds: number | { toNumber(): number } | null | undefined): string | null =>
	Number(seconds ?? 0) ? new Date(Number(seconds) * 1000).toISOString() : null
