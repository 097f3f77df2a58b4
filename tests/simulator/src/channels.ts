/** Posts to a channel: not encrypted, numbered by WhatsApp, edited and taken back under their own id. */

import { proto } from 'baileys'
import { type Content, kindOf, readContent, wordsOf } from './content.ts'
import type { MediaStore } from './media.ts'
import { type BinaryNode, child, childBytes } from './nodes.ts'
import type { Reading } from './reading.ts'
import { type Channel, OWNER_PHONE, type World } from './world.ts'

const KINDS = ['text', 'image', 'video']

/** Takes a post, an edit or a revocation. Returns WhatsApp's number of a new post. */
export function takePost(world: World, media: MediaStore, channel: Channel, stanza: BinaryNode): number | undefined {
	const { id = '', edit, to: jid = '', media_id: handle, type: stanzaType } = stanza.attrs
	const chat = `channel:${channel.id}`
	const complain = (why: string) => world.violate('channel', why)
	const message = proto.Message.decode(childBytes(stanza, 'plaintext'))
	const reading: Reading = { world, media, messageId: id, jid, chat, group: undefined, complain }
	const known = world.written.get(id)
	if (edit && known?.chat !== chat) complain('changes what was not posted here')
	if (!edit && known?.chat === chat) return undefined
	const post = (content: Content) =>
		world.receive(channel, 0, {
			message_id: id,
			from: OWNER_PHONE,
			chat,
			type: kindOf(message) ?? 'none',
			...(wordsOf(message) ? { text: wordsOf(message) ?? '' } : {}),
			content
		})
	if (edit === '8') {
		if (kindOf(message)) complain('a revocation with a content')
		post({ kind: 'revoke', message_id: id })
		return undefined
	}
	const content = readContent(message, reading)
	if (!KINDS.includes(content.kind)) complain(`a post that is a ${content.kind}`)
	if (message.messageContextInfo?.messageSecret?.length) complain('a secret that all followers know')
	if (edit === '3') {
		post({ kind: 'edit', message_id: id, of: content.kind, text: wordsOf(message) ?? null })
		return undefined
	}
	if (edit) complain(`edit="${edit}" in a channel`)
	const directPath = message.imageMessage?.directPath ?? message.videoMessage?.directPath
	if (directPath && media.uploads.get(directPath)?.handle !== handle)
		complain('media without the name that the host gave it')
	const mediatype = child(stanza, 'plaintext')?.attrs.mediatype
	if (mediatype !== (content.kind === 'text' ? undefined : content.kind)) complain('of another kind than it says')
	if (stanzaType !== (content.kind === 'text' ? 'text' : 'media')) complain(`type="${stanzaType}" on a ${content.kind}`)
	world.write(id, { chat, author: world.owner, kind: content.kind })
	post(content)
	return ++channel.posts
}
