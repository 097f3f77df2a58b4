/** What stands around a message's content: whom it mentions, what it answers, that it was forwarded. */

import { normalizeMessageContent, proto, type WASocket } from 'baileys'
import { userOf } from '../addresses.ts'
import { EngineError } from '../protocol.ts'
import type { SessionStore } from '../session-store.ts'
import { type Chat, memberOf, personJid } from './chat.ts'
import type { Order } from './order.ts'
import { partOf } from '../parts.ts'

/** Undefined where there is nothing around it. */
export async function contextOf(
	{ quote, mentions, forwarded }: Pick<Order, 'quote' | 'mentions' | 'forwarded'>,
	chat: Chat,
	socket: WASocket,
	store: SessionStore
): Promise<proto.IContextInfo | undefined> {
	const context: proto.IContextInfo = {
		...(mentions.length ? { mentionedJid: [...(await mentionedJids(mentions, chat, socket)).values()] } : {}),
		...(forwarded ? { isForwarded: true, forwardingScore: 1 } : {})
	}
	if (quote) {
		context.stanzaId = quote.message_id
		context.participant = (await personJid(chat, quote.author, socket)) ?? chat.own
		context.quotedMessage = quotedContent(store, quote) ?? { conversation: quote.text ?? '' }
	}
	return Object.keys(context).length ? context : undefined
}

/** The message itself where it is ours and still kept, without what it answered in turn, and never a view-once one's keys. */
function quotedContent(store: SessionStore, quote: NonNullable<Order['quote']>): proto.IMessage | undefined {
	const kept = quote.author === null ? store.sent(quote.message_id)?.message : undefined
	if (!kept || kept.viewOnceMessageV2 || kept.viewOnceMessageV2Extension) return undefined
	const { kind, part } = partOf(proto.Message.create(normalizeMessageContent(kept) ?? {})) ?? {}
	return kind && part ? { [kind]: { ...part, contextInfo: null } } : undefined
}

async function mentionedJids(mentions: string[], chat: Chat, socket: WASocket): Promise<Map<string, string>> {
	const jids = new Map<string, string>()
	for (const person of mentions) {
		if (chat.type === 'group' && !memberOf(chat, person))
			throw new EngineError('invalid_params', 'a mention names somebody who is not in the group')
		jids.set(person, (await personJid(chat, person, socket)) ?? chat.own)
	}
	return jids
}

/** The words with each mention spelled as WhatsApp shows it: `@` and the digits of the jid. */
export async function wordsWithMentions(
	words: string,
	mentions: string[],
	chat: Chat,
	socket: WASocket
): Promise<string> {
	if (!mentions.length) return words
	const jids = await mentionedJids(mentions, chat, socket)
	return words.replace(/@(\+\d{5,15}|lid:\d+)/g, (written, person: string) => {
		const jid = jids.get(person)
		return jid ? `@${userOf(jid)}` : written
	})
}
