/** What somebody writes on a phone, made from a control call in the words in which `content` is told: see ../README.md. */

import { createHash, randomBytes } from 'node:crypto'
import { proto } from 'baileys'
import { digits, groupJid, lidJid, phoneJid } from './addresses.ts'
import {
	bytes,
	ControlError,
	decimal,
	type Fields,
	fieldsOf,
	instant,
	integer,
	optionalChoice,
	optionalFields,
	optionalFlag,
	optionalInteger,
	optionalText,
	refuseUnknown,
	text,
	textList
} from './control-fields.ts'
import type { MediaKind, MediaStore } from './media.ts'
import { sealed } from './secrets.ts'
import type { Addressing, Group, Person, SentFile, World, Written } from './world.ts'

const MAX_MEDIA = 64 * 1024 * 1024
const { Type } = proto.Message.ProtocolMessage
const { EventResponseType } = proto.Message.EventResponseMessage

/** Who writes, where, and in which form people are named there. */
export interface Writer {
	world: World
	media: MediaStore
	author: Person
	/** seen from the owner: a contact's number or a group */
	chat: string
	group: Group | undefined
	/** the other one of a chat of two */
	partner: Person
	addressing: Addressing
	/** files are not encrypted: a channel's */
	open?: boolean
}

export interface Draft {
	message: proto.IMessage
	file?: SentFile
	/** to be viewed once: linked devices get nothing of it */
	viewOnce?: boolean
}

type Compose = (fields: Fields, writer: Writer) => Draft
const plain = (message: proto.IMessage): Draft => ({ message })

const KINDS: Record<string, { fields: readonly string[]; compose: Compose }> = {
	text: {
		fields: ['text', 'preview'],
		compose: fields => plain(textMessage(fields))
	},
	image: {
		fields: ['media', 'caption', 'album', 'view_once'],
		compose: (fields, writer) => picture(fields, writer, 'imageMessage')
	},
	video: {
		fields: ['media', 'caption', 'album', 'gif', 'view_once'],
		compose: (fields, writer) => picture(fields, writer, 'videoMessage')
	},
	audio: { fields: ['media'], compose: (fields, writer) => sound(fields, writer, false) },
	voice: { fields: ['media', 'view_once'], compose: (fields, writer) => sound(fields, writer, true) },
	document: {
		fields: ['media', 'caption', 'file_name'],
		compose: (fields, writer) => {
			const file = hosted(fields, writer, 'Document')
			const caption = optionalText(fields, 'caption') ?? null
			const documentMessage = { ...file.part, caption, fileName: optionalText(fields, 'file_name') ?? 'file' }
			const message = caption ? { documentWithCaptionMessage: { message: { documentMessage } } } : { documentMessage }
			return { message, file: file.sent }
		}
	},
	sticker: {
		fields: ['media', 'animated'],
		compose: (fields, writer) => {
			const file = hosted(fields, writer, 'Image')
			const stickerMessage = { ...file.part, isAnimated: optionalFlag(fields, 'animated') ?? false }
			return { message: { stickerMessage }, file: file.sent }
		}
	},
	location: {
		fields: ['latitude', 'longitude', 'name', 'address', 'live'],
		compose: fields =>
			plain(
				optionalFlag(fields, 'live')
					? {
							liveLocationMessage: {
								...place(fields),
								sequenceNumber: 1,
								caption: optionalText(fields, 'name') ?? null
							}
						}
					: {
							locationMessage: {
								...place(fields),
								name: optionalText(fields, 'name') ?? null,
								address: optionalText(fields, 'address') ?? null
							}
						}
			)
	},
	contacts: {
		fields: ['cards'],
		compose: fields => {
			const cards = textList(fields, 'cards').map(vcard => ({
				displayName: /^FN:(.*)$/m.exec(vcard)?.[1] ?? '',
				vcard
			}))
			const [first] = cards
			return plain(
				cards.length === 1 && first
					? { contactMessage: first }
					: { contactsArrayMessage: { displayName: `${cards.length} contacts`, contacts: cards } }
			)
		}
	},
	poll: {
		fields: ['question', 'options', 'selectable'],
		compose: fields => {
			const selectableOptionsCount = optionalInteger(fields, 'selectable', 0, 12) ?? 0
			const options = textList(fields, 'options').map(optionName => ({ optionName }))
			const created = { name: text(fields, 'question'), options, selectableOptionsCount }
			return plain({
				...(selectableOptionsCount === 1 ? { pollCreationMessageV3: created } : { pollCreationMessage: created }),
				messageContextInfo: { messageSecret: randomBytes(32) }
			})
		}
	},
	event: {
		fields: ['name', 'description', 'start', 'end', 'location', 'cancelled'],
		compose: fields => {
			const location = optionalFields(fields, 'location', ['latitude', 'longitude', 'name', 'address'])
			return plain({
				eventMessage: {
					name: text(fields, 'name'),
					description: optionalText(fields, 'description') ?? null,
					startTime: instant(fields, 'start'),
					endTime: fields.end === undefined ? null : instant(fields, 'end'),
					location: location ? { ...place(location), name: optionalText(location, 'name') ?? null } : null,
					isCanceled: optionalFlag(fields, 'cancelled') ?? false
				},
				messageContextInfo: { messageSecret: randomBytes(32) }
			})
		}
	},
	album: {
		fields: ['images', 'videos'],
		compose: fields =>
			plain({
				albumMessage: {
					expectedImageCount: integer(fields, 'images', 0, 100),
					expectedVideoCount: integer(fields, 'videos', 0, 100)
				}
			})
	},
	reaction: {
		fields: ['message_id', 'emoji'],
		compose: (fields, writer) => {
			const { emoji } = fields
			if (typeof emoji !== 'string') throw new ControlError(400, 'bad_request', 'emoji is missing')
			const key = keyOf(text(fields, 'message_id'), writer)
			return plain({ reactionMessage: { key, text: emoji, senderTimestampMs: Date.now() } })
		}
	},
	edit: {
		fields: ['message_id', 'text'],
		compose: (fields, writer) => {
			const key = keyOf(text(fields, 'message_id'), writer)
			if (!key.fromMe) throw new ControlError(409, 'not_the_author', "nobody edits another's message")
			const editedMessage = { conversation: text(fields, 'text') }
			return plain({ protocolMessage: { key, type: Type.MESSAGE_EDIT, editedMessage, timestampMs: Date.now() } })
		}
	},
	revoke: {
		fields: ['message_id'],
		compose: (fields, writer) =>
			plain({ protocolMessage: { key: keyOf(text(fields, 'message_id'), writer), type: Type.REVOKE } })
	},
	poll_vote: {
		fields: ['message_id', 'options'],
		compose: (fields, writer) => {
			const id = text(fields, 'message_id')
			const poll = answered(id, writer)
			const selectedOptions = textList(fields, 'options').map(name => createHash('sha256').update(name).digest())
			const vote = proto.Message.PollVoteMessage.encode({ selectedOptions }).finish()
			return plain({
				pollUpdateMessage: {
					pollCreationMessageKey: keyOf(id, writer),
					vote: sealedFor(poll, id, 'Poll Vote', vote, writer),
					senderTimestampMs: Date.now()
				}
			})
		}
	},
	event_response: {
		fields: ['message_id', 'response'],
		compose: (fields, writer) => {
			const id = text(fields, 'message_id')
			const event = answered(id, writer)
			const choices = {
				going: EventResponseType.GOING,
				not_going: EventResponseType.NOT_GOING,
				maybe: EventResponseType.MAYBE
			}
			const chosen = optionalChoice(fields, 'response', ['going', 'not_going', 'maybe'] as const) ?? 'going'
			const response = proto.Message.EventResponseMessage.encode({
				response: choices[chosen],
				timestampMs: Date.now()
			}).finish()
			return plain({
				encEventResponseMessage: {
					eventCreationMessageKey: keyOf(id, writer),
					...sealedFor(event, id, 'Event Response', response, writer)
				}
			})
		}
	},
	choice: {
		fields: ['id', 'text'],
		compose: fields =>
			plain({
				buttonsResponseMessage: {
					selectedButtonId: text(fields, 'id'),
					selectedDisplayText: text(fields, 'text'),
					type: proto.Message.ButtonsResponseMessage.Type.DISPLAY_TEXT
				}
			})
	},
	group_invite: {
		fields: ['group', 'subject', 'code', 'expires_at', 'text'],
		compose: fields =>
			plain({
				groupInviteMessage: {
					groupJid: groupJid(text(fields, 'group')),
					groupName: text(fields, 'subject'),
					inviteCode: text(fields, 'code'),
					inviteExpiration: instant(fields, 'expires_at'),
					caption: optionalText(fields, 'text') ?? null
				}
			})
	},
	order: { fields: [], compose: () => plain({ orderMessage: { orderId: '1', itemCount: 1 } }) }
}

const AROUND = ['kind', 'quote', 'mentions', 'forwarded'] as const

/** Throws a ControlError where the call is wrong, or names what is not there. */
export function compose(content: Fields, writer: Writer): Draft {
	const kind = optionalChoice(content, 'kind', Object.keys(KINDS))
	const known = kind && KINDS[kind]
	if (!known) throw new ControlError(400, 'bad_request', 'kind is missing')
	refuseUnknown(content, [...AROUND, ...known.fields])
	const written = known.compose(content, writer)
	const viewOnce = optionalFlag(content, 'view_once') ?? false
	return { ...written, message: withContext(written.message, context(content, writer)), viewOnce }
}

function textMessage(fields: Fields): proto.IMessage {
	const preview = optionalFields(fields, 'preview', ['url', 'title', 'description'])
	if (!preview) return { conversation: text(fields, 'text') }
	return {
		extendedTextMessage: {
			text: text(fields, 'text'),
			matchedText: text(preview, 'url'),
			title: optionalText(preview, 'title') ?? null,
			description: optionalText(preview, 'description') ?? null
		}
	}
}

function picture(fields: Fields, writer: Writer, name: 'imageMessage' | 'videoMessage'): Draft {
	const file = hosted(fields, writer, name === 'imageMessage' ? 'Image' : 'Video')
	const gif = name === 'videoMessage' ? { gifPlayback: optionalFlag(fields, 'gif') ?? false } : {}
	const frame = optionalText(fields, 'album')
	const messageAssociation = frame
		? {
				associationType: proto.MessageAssociation.AssociationType.MEDIA_ALBUM,
				parentMessageKey: keyOf(frame, writer)
			}
		: undefined
	return {
		message: {
			[name]: { ...file.part, ...gif, caption: optionalText(fields, 'caption') ?? null },
			...(messageAssociation ? { messageContextInfo: { messageAssociation } } : {})
		},
		file: file.sent
	}
}

function sound(fields: Fields, writer: Writer, ptt: boolean): Draft {
	const file = hosted(fields, writer, 'Audio')
	return { message: { audioMessage: { ...file.part, ptt } }, file: file.sent }
}

/** A file on the media host: the bytes that are told, or `size` random ones. */
function hosted(fields: Fields, { media: store, open }: Pick<Writer, 'media' | 'open'>, kind: MediaKind) {
	const names = ['mimetype', 'size', 'bytes', 'width', 'height', 'seconds', 'waveform', 'thumbnail']
	const media = optionalFields(fields, 'media', names)
	if (!media) throw new ControlError(400, 'bad_request', 'media is missing')
	const content = media.bytes === undefined ? randomBytes(integer(media, 'size', 0, MAX_MEDIA)) : bytes(media, 'bytes')
	const stored = open ? store.publish(content) : store.seal(kind, content)
	const { directPath: path, mediaKey, fileSha256 } = stored
	const body = store.files.get(path) ?? Buffer.alloc(0)
	return {
		sent: { path, body, mediaKey, sha256: fileSha256.toString('hex'), gone: false },
		part: {
			...stored,
			mimetype: text(media, 'mimetype'),
			mediaKeyTimestamp: Math.floor(Date.now() / 1000),
			width: optionalInteger(media, 'width', 1, 65_535) ?? null,
			height: optionalInteger(media, 'height', 1, 65_535) ?? null,
			seconds: optionalInteger(media, 'seconds', 1, 86_400) ?? null,
			waveform: media.waveform === undefined ? null : bytes(media, 'waveform'),
			jpegThumbnail: media.thumbnail === undefined ? null : bytes(media, 'thumbnail')
		}
	}
}

const place = (fields: Fields) => ({
	degreesLatitude: decimal(fields, 'latitude', -90, 90),
	degreesLongitude: decimal(fields, 'longitude', -180, 180)
})

const jidIn = ({ addressing }: Writer, person: Person): string =>
	addressing === 'lid' ? lidJid(person.lid) : phoneJid(person.phone)

/** How the writer's phone names a message of this chat. */
function keyOf(id: string, writer: Writer): proto.IMessageKey {
	const { world, author, group, partner } = writer
	const written = named(id, writer, world)
	const fromMe = written.author === author
	return {
		remoteJid: group ? groupJid(group.id) : jidIn(writer, partner),
		fromMe,
		id,
		...(group && !fromMe ? { participant: jidIn(writer, written.author) } : {})
	}
}

function named(id: string, { chat }: Writer, world: World): Written {
	const written = world.written.get(id)
	if (written?.chat !== chat) throw new ControlError(404, 'unknown_message', `no message ${id} in this chat`)
	return written
}

function answered(id: string, writer: Writer): Written & { secret: Uint8Array } {
	const written = named(id, writer, writer.world)
	const { secret } = written
	if (!secret) throw new ControlError(409, 'nothing_to_answer', `${id} is no poll or event`)
	return { ...written, secret }
}

function sealedFor(
	{ secret, author }: { secret: Uint8Array; author: Person },
	id: string,
	use: string,
	content: Uint8Array,
	writer: Writer
) {
	return sealed(secret, { id, use, creator: jidIn(writer, author), writer: jidIn(writer, writer.author) }, content)
}

function context(content: Fields, writer: Writer): proto.IContextInfo | undefined {
	const quote = optionalFields(content, 'quote', ['message_id', 'text'])
	const mentions = content.mentions === undefined ? [] : textList(content, 'mentions')
	const forwarded = optionalFlag(content, 'forwarded') ?? false
	if (!quote && !mentions.length && !forwarded) return undefined
	const id = quote && text(quote, 'message_id')
	return {
		...(id && quote
			? {
					stanzaId: id,
					participant: jidIn(writer, named(id, writer, writer.world).author),
					quotedMessage: { conversation: text(quote, 'text') }
				}
			: {}),
		mentionedJid: mentions.map(phone => {
			const person = writer.world.person(phoneJid(phone))
			if (!person) throw new ControlError(404, 'unknown_contact', `no contact ${digits(phone)}`)
			return jidIn(writer, person)
		}),
		...(forwarded ? { isForwarded: true, forwardingScore: 1 } : {})
	}
}

function withContext(message: proto.IMessage, contextInfo: proto.IContextInfo | undefined): proto.IMessage {
	if (!contextInfo) return message
	if (typeof message.conversation === 'string')
		return { extendedTextMessage: { text: message.conversation, contextInfo } }
	const [name, part] = Object.entries(message).find(([key]) => key.endsWith('Message')) ?? []
	return name ? { ...message, [name]: { ...fieldsOf(part), contextInfo } } : message
}
