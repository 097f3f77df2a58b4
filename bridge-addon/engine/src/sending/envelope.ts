/** What WhatsApp's server wants to know of a message, since it can't read it. Follows from the message alone, so that it can be sent again. */

import { type BinaryNode, encodeNewsletterMessage, normalizeMessageContent, type proto } from 'baileys'

export interface Envelope {
	additionalAttributes: Record<string, string>
	additionalNodes: BinaryNode[]
}

const meta = (attrs: Record<string, string>): BinaryNode => ({ tag: 'meta', attrs })

export function envelopeOf(message: proto.IMessage): Envelope {
	const content = normalizeMessageContent(message)
	const { key, editedMessage } = content?.protocolMessage ?? {}
	const edit = editedMessage ? '1' : key?.fromMe ? '7' : '8'
	const poll = content?.pollCreationMessage ?? content?.pollCreationMessageV3
	return {
		additionalAttributes: key ? { edit } : {},
		additionalNodes: poll
			? [meta({ polltype: 'creation' })]
			: content?.eventMessage
				? [meta({ event_type: 'creation' })]
				: []
	}
}

/**
 * A channel's post is not encrypted. An edit or revocation has the id of what it changes, and carries the new content or none.
 * Baileys leaves out the kind of media, and the name that the media host gave it.
 */
export function channelStanza(
	jid: string,
	messageId: string,
	message: proto.IMessage,
	handle: string | null
): BinaryNode {
	const { key, editedMessage } = message.protocolMessage ?? {}
	const content = key ? (editedMessage ?? {}) : message
	const mediatype = content.imageMessage ? 'image' : content.videoMessage ? 'video' : undefined
	const attrs = {
		to: jid,
		id: key?.id ?? messageId,
		type: mediatype ? 'media' : 'text',
		...(key ? { edit: editedMessage ? '3' : '8' } : {}),
		...(handle ? { media_id: handle } : {})
	}
	const kind: Record<string, string> = mediatype ? { mediatype } : {}
	return {
		tag: 'message',
		attrs,
		content: [{ tag: 'plaintext', attrs: kind, content: encodeNewsletterMessage(content) }]
	}
}
