/** What stands around a received message's content: what it answers, whom it mentions, that it was forwarded or is to be viewed once. */

import type { proto } from 'baileys'
import { partOf } from '../parts.ts'
import { wordsOf } from './content.ts'
import type { Around } from './contents.ts'

/** Who somebody is, by jid. */
export interface Naming {
	personIdOf(jid: string): Promise<string>
	/** null for ourselves */
	authorOf(jid: string): Promise<string | null>
}

/** `content` is what is in the frames of `message`. */
export async function aroundOf(
	message: proto.IMessage,
	content: proto.IMessage,
	{ personIdOf, authorOf }: Naming
): Promise<Around> {
	const part = partOf(content)?.part as
		{ contextInfo?: proto.IContextInfo | null; viewOnce?: boolean | null } | undefined
	const { stanzaId, participant, quotedMessage, mentionedJid, isForwarded } = part?.contextInfo ?? {}
	const author = participant ? await authorOf(participant) : null
	return {
		quote: stanzaId ? { message_id: stanzaId, author, text: wordsOf(quotedMessage) } : null,
		mentions: await Promise.all((mentionedJid ?? []).map(personIdOf)),
		forwarded: isForwarded ?? false,
		view_once:
			part?.viewOnce === true ||
			[message.viewOnceMessage, message.viewOnceMessageV2, message.viewOnceMessageV2Extension].some(Boolean)
	}
}

/** What is the same whatever the kind: secrets, and to what it belongs. */
export const contextInfoOf = (message: proto.IMessage, content: proto.IMessage) =>
	content.messageContextInfo ?? message.messageContextInfo

/** The frame of the album that a picture belongs to. */
export function albumOf(message: proto.IMessage, content: proto.IMessage): string | null {
	return contextInfoOf(message, content)?.messageAssociation?.parentMessageKey?.id ?? null
}
