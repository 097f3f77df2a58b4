/** Messages without a file. */

import { proto } from 'baileys'
import type { ContentOf, Location } from './order.ts'
import { vcard } from './vcard.ts'

type PlainContent = ContentOf<'text' | 'location' | 'contacts' | 'poll' | 'event' | 'album'>

const STATUS_BACKGROUND = 0xff075e54
const WHITE = 0xffffffff

const seconds = (milliseconds: number): number => Math.floor(milliseconds / 1000)

export function plainMessage(content: PlainContent): proto.IMessage {
	switch (content.type) {
		case 'text':
			return { extendedTextMessage: { text: content.text, ...preview(content.link_preview) } }
		case 'location':
			return { locationMessage: place(content) }
		case 'contacts':
			return cards(content)
		case 'poll':
			return poll(content)
		case 'event':
			return {
				eventMessage: {
					name: content.name,
					description: content.description,
					startTime: seconds(content.start),
					endTime: content.end && seconds(content.end),
					location: content.location && place(content.location),
					isCanceled: content.cancelled
				}
			}
		case 'album':
			return { albumMessage: { expectedImageCount: content.images, expectedVideoCount: content.videos } }
	}
}

/** A text as a status post shows it: on a coloured ground. */
export const statusText = (text: proto.Message.IExtendedTextMessage): proto.Message.IExtendedTextMessage => ({
	...text,
	backgroundArgb: STATUS_BACKGROUND,
	textArgb: WHITE,
	font: proto.Message.ExtendedTextMessage.FontType.SYSTEM
})

function preview(link: ContentOf<'text'>['link_preview']): proto.Message.IExtendedTextMessage {
	if (!link) return {}
	const { NONE } = proto.Message.ExtendedTextMessage.PreviewType
	const { url, title, description, thumbnail } = link
	return { matchedText: url, title, description, jpegThumbnail: thumbnail, previewType: NONE }
}

const place = ({ latitude, longitude, name, address }: Location): proto.Message.ILocationMessage => ({
	degreesLatitude: latitude,
	degreesLongitude: longitude,
	name,
	address
})

function cards({ contacts }: ContentOf<'contacts'>): proto.IMessage {
	const messages = contacts.map(contact => ({ displayName: contact.name, vcard: vcard(contact) }))
	const [first, ...others] = messages
	if (!others.length) return { contactMessage: first }
	return { contactsArrayMessage: { displayName: `${messages.length} contacts`, contacts: messages } }
}

/** A poll with a single choice is another kind of message than one with several. */
function poll({ question, options, selectable }: ContentOf<'poll'>): proto.IMessage {
	const creation = {
		name: question,
		options: options.map(optionName => ({ optionName })),
		selectableOptionsCount: selectable
	}
	return selectable === 1 ? { pollCreationMessageV3: creation } : { pollCreationMessage: creation }
}
