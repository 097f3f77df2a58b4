/** What stands around a received message's content: what it answers, whom it mentions, that it was forwarded or is to be viewed once. */

import { getContentType, type proto } from 'baileys'
import { bareJid } from '../addresses.ts'
import { wordsOf } from './content.ts'
import type { Around } from './contents.ts'

type PersonIdOf = (jid: string) => Promise<string>

/** `content` is what is in the frames of `message`. Authors are null for our own messages. */
export async function aroundOf(
	message: proto.IMessage,
	content: proto.IMessage,
	personIdOf: PersonIdOf,
	isOwn: (personId: string) => boolean
): Promise<Around> {
	const kind = getContentType(content)
	const part = kind && (content[kind] as { contextInfo?: proto.IContextInfo | null; viewOnce?: boolean | null } | null)
	const { stanzaId, participant, quotedMessage, mentionedJid, isForwarded } = part?.contextInfo ?? {}
	const author = stanzaId && participant ? await personIdOf(bareJid(participant)) : null
	return {
		quote: stanzaId
			? { message_id: stanzaId, author: author && !isOwn(author) ? author : null, text: wordsOf(quotedMessage) }
			: null,
		mentions: await Promise.all((mentionedJid ?? []).map(jid => personIdOf(bareJid(jid)))),
		forwarded: isForwarded ?? false,
		view_once:
			part?.viewOnce === true ||
			[message.viewOnceMessage, message.viewOnceMessageV2, message.viewOnceMessageV2Extension].some(Boolean)
	}
}

/** The frame of the album that a picture belongs to. */
export function albumOf(message: proto.IMessage, content: proto.IMessage): string | null {
	const context = content.messageContextInfo ?? message.messageContextInfo
	return context?.messageAssociation?.parentMessageKey?.id ?? null
}
