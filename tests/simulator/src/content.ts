/** A decrypted message in the simulator's own words, field by field, checked as a strict phone would. */

import type { proto } from 'baileys'
import { base64, checkSticker, checkThumbnail, checkVoice, readMedia } from './media-content.ts'
import { namedMessage, personIn, type Reading } from './reading.ts'
import { readCard } from './vcard.ts'

export interface Content {
	kind: string
	[field: string]: unknown
}

const EDIT_LIMIT_MS = 15 * 60_000
const AROUND = ['messageContextInfo', 'senderKeyDistributionMessage']
const VIEW_ONCE = ['viewOnceMessageV2', 'viewOnceMessageV2Extension', 'viewOnceMessage'] as const

/** The name of the part that is the content, inside of whatever frame; undefined for keys alone. */
export function kindOf(message: proto.IMessage): keyof proto.IMessage | undefined {
	const { message: inner } = unframed(message)
	const names = Object.keys(inner) as (keyof proto.IMessage)[]
	return names.find(name => !AROUND.includes(name) && inner[name] !== null)
}

function unframed(message: proto.IMessage): { message: proto.IMessage; viewOnce: boolean } {
	for (const frame of VIEW_ONCE) {
		const inner = message[frame]?.message
		if (inner) return { message: inner, viewOnce: true }
	}
	return { message: message.documentWithCaptionMessage?.message ?? message, viewOnce: false }
}

/** The words that it shows: a text, or a caption. */
export function wordsOf(message: proto.IMessage): string | undefined {
	const { message: inner } = unframed(message)
	const media = inner.imageMessage ?? inner.videoMessage ?? inner.documentMessage
	return inner.conversation ?? inner.extendedTextMessage?.text ?? media?.caption ?? undefined
}

export function readContent(message: proto.IMessage, reading: Reading): Content {
	const { message: inner, viewOnce } = unframed(message)
	const kind = kindOf(message)
	const content = kind ? (READERS[kind]?.(inner, reading) ?? { kind: 'unknown', of: kind }) : { kind: 'empty' }
	const part = (kind && typeof inner[kind] === 'object' ? inner[kind] : {}) as { viewOnce?: boolean }
	if ((part.viewOnce ?? false) !== viewOnce) reading.complain('a view-once frame and mark that differ')
	const secret = message.messageContextInfo?.messageSecret
	if (secret?.length ? secret.length !== 32 : ['poll', 'event'].includes(content.kind)) {
		reading.complain('no secret of 32 bytes')
	}
	return {
		...content,
		...(viewOnce ? { view_once: true } : {}),
		...context(inner, kind, reading),
		...album(message, reading)
	}
}

type ReadPart = (message: proto.IMessage, reading: Reading) => Content | null | undefined
const READERS: { [K in keyof proto.IMessage]?: ReadPart } = {
	conversation: ({ conversation }) => ({ kind: 'text', text: conversation }),
	extendedTextMessage: ({ extendedTextMessage: part }, reading) => part && text(part, reading),
	imageMessage: ({ imageMessage: part }, reading) =>
		part && { kind: 'image', media: readMedia(reading, 'image', part), caption: part.caption ?? null },
	videoMessage: ({ videoMessage: part }, reading) =>
		part && {
			kind: 'video',
			media: readMedia(reading, 'video', part),
			caption: part.caption ?? null,
			gif: part.gifPlayback ?? false
		},
	audioMessage: ({ audioMessage: part }, reading) => {
		if (part?.ptt) checkVoice(reading, part)
		return part && { kind: part.ptt ? 'voice' : 'audio', media: readMedia(reading, 'audio', part) }
	},
	documentMessage: ({ documentMessage: part }, reading) => {
		if (!part?.fileName) reading.complain('a document without a name')
		const media = part && readMedia(reading, 'document', part)
		return part && { kind: 'document', media, file_name: part.fileName, caption: part.caption ?? null }
	},
	stickerMessage: ({ stickerMessage: part }, reading) => {
		if (part) checkSticker(reading, part)
		return part && { kind: 'sticker', media: readMedia(reading, 'sticker', part), animated: part.isAnimated ?? false }
	},
	locationMessage: ({ locationMessage: part }, reading) => part && { kind: 'location', ...place(part, reading) },
	contactMessage: ({ contactMessage: part }, reading) => part && contacts([part], reading),
	contactsArrayMessage: ({ contactsArrayMessage: part }, reading) => {
		if (!part?.displayName || (part.contacts?.length ?? 0) < 2)
			reading.complain('a list of contacts without name or contacts')
		return part && contacts(part.contacts ?? [], reading)
	},
	pollCreationMessage: ({ pollCreationMessage: part }, reading) => part && poll(part, reading, false),
	pollCreationMessageV3: ({ pollCreationMessageV3: part }, reading) => part && poll(part, reading, true),
	eventMessage: ({ eventMessage: part }, reading) => part && event(part, reading),
	albumMessage: ({ albumMessage: part }, { complain }) => {
		const [images, videos] = [part?.expectedImageCount ?? 0, part?.expectedVideoCount ?? 0]
		if (images + videos < 2) complain('an album of fewer than two')
		return { kind: 'album', images, videos }
	},
	reactionMessage: ({ reactionMessage: part }, reading) => {
		const named = namedMessage(reading, part?.key)
		if (!part?.senderTimestampMs) reading.complain('a reaction without its time')
		return { kind: 'reaction', message_id: part?.key?.id, author: named?.author.phone ?? null, emoji: part?.text ?? '' }
	},
	protocolMessage: ({ protocolMessage: part }, reading) => part && change(part, reading)
}

function text(part: proto.Message.IExtendedTextMessage, { complain }: Reading): Content {
	if (!part.text) complain('a text without words')
	const { matchedText: url, title, description, jpegThumbnail } = part
	if (url && !part.text?.includes(url)) complain('a preview of a link that is not in the text')
	if (!url && (title || description || jpegThumbnail?.length)) complain('a preview of no link')
	if (jpegThumbnail?.length) checkThumbnail(jpegThumbnail, complain)
	const preview = url
		? { url, title: title ?? null, description: description ?? null, thumbnail: base64(jpegThumbnail) }
		: null
	return { kind: 'text', text: part.text, preview, ...(part.backgroundArgb ? { background: part.backgroundArgb } : {}) }
}

function place(part: proto.Message.ILocationMessage, { complain }: Reading) {
	const { degreesLatitude: latitude, degreesLongitude: longitude } = part
	const onEarth = Math.abs(latitude ?? 91) <= 90 && Math.abs(longitude ?? 181) <= 180
	if (!onEarth) complain('a place that is not on Earth')
	return { latitude, longitude, name: part.name ?? null, address: part.address ?? null }
}

function contacts(parts: proto.Message.IContactMessage[], { complain }: Reading): Content {
	const cards = parts.flatMap(({ displayName, vcard }) => {
		try {
			const card = readCard(vcard ?? '')
			if (displayName !== card.name) complain('a contact that is shown under another name')
			return card
		} catch (error) {
			complain(error instanceof Error ? error.message : String(error))
			return []
		}
	})
	return { kind: 'contacts', contacts: cards }
}

function poll(part: proto.Message.IPollCreationMessage, { complain }: Reading, singleChoice: boolean): Content {
	const options = (part.options ?? []).map(({ optionName }) => optionName ?? '')
	const selectable = part.selectableOptionsCount ?? 0
	if (!part.name) complain('a poll without a question')
	if (options.length < 2 || options.length > 12) complain('a poll of fewer than 2 or more than 12 options')
	if (new Set(options).size !== options.length || options.includes('')) complain('options that are empty or alike')
	if (selectable > options.length) complain('more choices than options')
	if (singleChoice !== (selectable === 1)) complain('a poll in the form of another kind')
	return { kind: 'poll', question: part.name, options, selectable }
}

const time = (seconds: number | { toNumber(): number } | null | undefined): string | null =>
	Number(seconds ?? 0) ? new Date(Number(seconds) * 1000).toISOString() : null

function event(part: proto.Message.IEventMessage, reading: Reading): Content {
	const [start, end] = [time(part.startTime), time(part.endTime)]
	if (!part.name || !start) reading.complain('an event without name or beginning')
	if (start && end && end < start) reading.complain('an event that ends before it begins')
	return {
		kind: 'event',
		name: part.name,
		description: part.description ?? null,
		start,
		end,
		location: part.location ? place(part.location, reading) : null,
		cancelled: part.isCanceled ?? false
	}
}

/** Edits and revocations: of what is there, by whom it may be. */
function change(part: proto.Message.IProtocolMessage, reading: Reading): Content {
	const { complain, world } = reading
	const target = namedMessage(reading, part.key)
	const message_id = part.key?.id
	if (target?.revokedBy && target.revokedBy !== reading.messageId) complain('changes what is revoked')
	if (!part.editedMessage) {
		const stored = world.written.get(message_id ?? '')
		if (stored) stored.revokedBy = reading.messageId
		return { kind: 'revoke', message_id, author: target?.author.phone ?? null }
	}
	if (target && target.author !== world.owner) complain("edits somebody else's message")
	if (target && Date.now() - target.at > EDIT_LIMIT_MS) complain('edits after more than 15 minutes')
	const changed = readContent(part.editedMessage, reading)
	if (target?.kind && target.kind !== changed.kind) complain('the edit is of another kind than what it edits')
	if (!part.timestampMs) complain('an edit without its time')
	const { kind: of, mentions } = changed
	return { kind: 'edit', message_id, of, text: wordsOf(part.editedMessage) ?? null, ...(mentions ? { mentions } : {}) }
}

/** Whom it mentions, what it answers, how often it was forwarded. */
function context(inner: proto.IMessage, kind: keyof proto.IMessage | undefined, reading: Reading) {
	const part = (kind && typeof inner[kind] === 'object' ? inner[kind] : null) as {
		contextInfo?: proto.IContextInfo | null
	} | null
	const info = part?.contextInfo
	if (!info) return {}
	const words = wordsOf(inner) ?? ''
	const mentions = (info.mentionedJid ?? []).flatMap(jid => {
		if (!new RegExp(`@${jid.split('@')[0]}(?!\\d)`).test(words))
			reading.complain('mentions whom the text does not name')
		return personIn(reading, jid)?.phone ?? []
	})
	const forwarded = info.forwardingScore ?? 0
	if ((info.isForwarded ?? false) !== forwarded > 0) reading.complain('forwarded, but not how often')
	return {
		...(mentions.length ? { mentions } : {}),
		...(forwarded ? { forwarded } : {}),
		...(info.stanzaId ? { quote: quote(info, reading) } : {})
	}
}

function quote({ stanzaId, participant, quotedMessage }: proto.IContextInfo, reading: Reading) {
	const quoted = reading.world.written.get(stanzaId ?? '')
	if (quoted?.chat !== reading.chat) reading.complain('answers a message that is not in this chat')
	const author = personIn(reading, participant)
	if (quoted && author !== quoted.author) reading.complain('answers a message of another author')
	if (!quotedMessage || !kindOf(quotedMessage)) reading.complain('answers without what it answers')
	return {
		message_id: stanzaId,
		author: author?.phone ?? null,
		text: (quotedMessage && wordsOf(quotedMessage)) ?? null,
		kind: quotedMessage ? kindOf(quotedMessage) : null
	}
}

function album({ messageContextInfo }: proto.IMessage, reading: Reading) {
	const association = messageContextInfo?.messageAssociation
	if (!association) return {}
	const frame = namedMessage(reading, association.parentMessageKey)
	if (frame?.kind && frame.kind !== 'album') reading.complain('a part of what is no album')
	return { album: association.parentMessageKey?.id }
}
