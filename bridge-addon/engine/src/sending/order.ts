/** What the gateway may ask to be sent: docs/engine-protocol.md, "What can be sent". Read and checked once, at the border. */

import { isAbsolute } from 'node:path'
import {
	bytes,
	flag,
	list,
	matching,
	nullable,
	number,
	optionalList,
	type ReadBy,
	type Reader,
	record,
	text,
	time,
	whole
} from '../field-readers.ts'
import { ACCOUNT, CHAT_ID, invalid, MESSAGE_ID, PHONE } from '../parameters.ts'

const MAX_THUMBNAIL = 24 * 1024
const MAX_SIZE = 2 * 1024 ** 3
const MAX_PIXELS = 65_535
const MAX_SECONDS = 86_400
const MAX_PEOPLE = 1_024
const MAX_WAIT = 600
const WAVEFORM_BYTES = 64

const chat = matching(CHAT_ID)
const messageId = matching(MESSAGE_ID)
const person = matching(/^(\+\d{5,15}|lid:\d+)$/)
/** null is ourselves */
const author = nullable(person)
const caption = nullable(text())
/** the message id of the frame that this is a part of */
const album = nullable(messageId)
const jpeg = bytes(data => data.length <= MAX_THUMBNAIL && data[0] === 0xff && data[1] === 0xd8)

const path: Reader<string> = (value, name) =>
	typeof value === 'string' && isAbsolute(value) ? value : invalid(`${name} is an absolute path`)

const media = record({
	path,
	mimetype: matching(/^[a-z]+\/[\w.+-]+(;.*)?$/i),
	size: nullable(whole(1, MAX_SIZE)),
	width: nullable(whole(1, MAX_PIXELS)),
	height: nullable(whole(1, MAX_PIXELS)),
	seconds: nullable(number(0, MAX_SECONDS)),
	waveform: nullable(bytes(data => data.length === WAVEFORM_BYTES)),
	thumbnail: nullable(jpeg)
})
export type Media = ReadBy<typeof media>

const location = {
	latitude: number(-90, 90),
	longitude: number(-180, 180),
	name: nullable(text()),
	address: nullable(text())
}
export type Location = { [K in keyof typeof location]: ReadBy<(typeof location)[K]> }

const contact = record({
	name: text(1),
	phones: list(matching(PHONE), 1, 20),
	organization: nullable(text()),
	email: nullable(text())
})
export type Contact = ReadBy<typeof contact>

const options: Reader<string[]> = (value, name) => {
	const names = list(text(1, 1_024), 2, 12)(value, name)
	return new Set(names).size === names.length ? names : invalid(`${name} are distinct`)
}

const CONTENTS = {
	text: {
		text: text(1),
		link_preview: nullable(
			record({ url: text(1), title: nullable(text()), description: nullable(text()), thumbnail: nullable(jpeg) })
		)
	},
	image: { media, caption, view_once: flag, album },
	video: { media, caption, view_once: flag, gif: flag, album },
	audio: { media },
	voice: { media, view_once: flag },
	document: { media, file_name: text(1, 255), caption },
	sticker: { media, animated: flag },
	location,
	contacts: { contacts: list(contact, 1, 257) },
	poll: { question: text(1), options, selectable: whole(0, 12) },
	event: {
		name: text(1),
		description: nullable(text()),
		start: time,
		end: nullable(time),
		location: nullable(record(location)),
		cancelled: flag
	},
	reaction: { message_id: messageId, author, emoji: text(0, 64) },
	edit: { message_id: messageId, text: text(1) },
	revoke: { message_id: messageId, author },
	forward: { message_id: messageId },
	album: { images: whole(0, 100), videos: whole(0, 100) }
} satisfies Record<string, Record<string, Reader<unknown>>>

export type Kind = keyof typeof CONTENTS
type Fields<K extends Kind> = { [F in keyof (typeof CONTENTS)[K]]: ReadBy<(typeof CONTENTS)[K][F]> }
export type ContentOf<K extends Kind> = { [One in K]: { type: One } & Fields<One> }[K]
export type Content = ContentOf<Kind>

const isKind = (type: unknown): type is Kind => typeof type === 'string' && Object.hasOwn(CONTENTS, type)

const content: Reader<Content> = (value, name) => {
	if (typeof value !== 'object' || value === null || !('type' in value)) invalid(`${name} has a type`)
	const { type, ...fields } = value
	if (!isKind(type)) invalid(`${name} is of no known type`)
	return { type, ...record<Record<string, Reader<unknown>>>(CONTENTS[type])(fields, name) } as Content
}

const order = record({
	account: matching(ACCOUNT),
	message_id: messageId,
	to: chat,
	content,
	timeout: number(1, MAX_WAIT),
	quote: nullable(record({ message_id: messageId, author, text: nullable(text()) })),
	mentions: optionalList(person, MAX_PEOPLE),
	forwarded: flag,
	audience: optionalList(person, MAX_PEOPLE)
})
/** `timeout` is in seconds, for the upload and WhatsApp's acknowledgement together. */
export type Order = ReadBy<typeof order>

/** What may stand beside which content. */
const CARRIES_QUOTE = (kind: Kind) => !['reaction', 'edit', 'revoke', 'forward'].includes(kind)
const CARRIES_FORWARDED = (kind: Kind) => CARRIES_QUOTE(kind) && kind !== 'album'

/** The words of a content, where mentions can stand. */
export function wordsOf(content: Content): string | null {
	if (content.type === 'text' || content.type === 'edit') return content.text
	return 'caption' in content ? content.caption : null
}

export function sendParams(params: unknown): Order {
	const read = order(params, 'params')
	const { content, mentions, to, audience } = read
	const words = wordsOf(content) ?? ''
	if (read.quote && !CARRIES_QUOTE(content.type)) invalid(`a ${content.type} quotes nothing`)
	if (read.forwarded && !CARRIES_FORWARDED(content.type)) invalid(`a ${content.type} is not marked as forwarded`)
	if (mentions.some(id => !new RegExp(`@${id.replace('+', '\\+')}(?!\\d)`).test(words)))
		invalid('each mention stands in the text, as @ and the chat id')
	if ((to === 'status') !== audience.length > 0) invalid('a status post has an audience, and nothing else has')
	if (content.type === 'poll' && content.selectable > content.options.length)
		invalid('selectable is at most the number of options')
	if (content.type === 'event' && content.end !== null && content.end < content.start) invalid('end is after start')
	if (content.type === 'album' && content.images + content.videos < 2) invalid('an album has two parts or more')
	if (content.type === 'text' && content.link_preview && !content.text.includes(content.link_preview.url))
		invalid('the link of link_preview stands in the text')
	return read
}
