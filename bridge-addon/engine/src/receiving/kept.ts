/** What of a received message is needed later: the key of its file, the secret and the options of a poll or event. Its words are not kept. */

import { getContentType, type proto } from 'baileys'
import { mediaOf } from './media.ts'

/** Undefined where nothing of it is needed. */
export function keptOf(message: proto.IMessage, content: proto.IMessage): proto.IMessage | undefined {
	const kind = getContentType(content)
	if (!kind) return undefined
	const media = mediaOf(content)?.part
	if (media) {
		const { mimetype, mediaKey, directPath, fileLength, fileSha256, fileEncSha256 } = media
		return { [kind]: { mimetype, mediaKey, directPath, fileLength, fileSha256, fileEncSha256 } }
	}
	const secret = (content.messageContextInfo ?? message.messageContextInfo)?.messageSecret
	if (!secret?.length) return undefined
	const messageContextInfo = { messageSecret: secret }
	if (kind === 'eventMessage') return { eventMessage: {}, messageContextInfo }
	if (!kind.startsWith('pollCreationMessage')) return undefined
	const { options } = content[kind] as proto.Message.IPollCreationMessage
	return { [kind]: { options }, messageContextInfo }
}
