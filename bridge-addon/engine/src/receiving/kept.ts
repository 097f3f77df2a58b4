/** What of a received message is needed later: the key of its file, the secret and the options of a poll or event. Its words are not kept. */

import type { proto } from 'baileys'
import { partOf } from '../parts.ts'
import { contextInfoOf } from './around.ts'
import { mediaOf } from './media.ts'

/** Undefined where nothing of it is needed. */
export function keptOf(message: proto.IMessage, content: proto.IMessage): proto.IMessage | undefined {
	const { kind, part } = partOf(content) ?? {}
	if (!kind) return undefined
	const media = mediaOf(content)?.part
	if (media) {
		const { mimetype, mediaKey, directPath, fileLength, fileSha256, fileEncSha256 } = media
		return { [kind]: { mimetype, mediaKey, directPath, fileLength, fileSha256, fileEncSha256 } }
	}
	const secret = contextInfoOf(message, content)?.messageSecret
	if (!secret?.length) return undefined
	const messageContextInfo = { messageSecret: secret }
	if (kind === 'eventMessage') return { eventMessage: {}, messageContextInfo }
	if (!kind.startsWith('pollCreationMessage')) return undefined
	const { options } = part as proto.Message.IPollCreationMessage
	return { [kind]: { options }, messageContextInfo }
}
