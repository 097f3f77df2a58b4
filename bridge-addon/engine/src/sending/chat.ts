/** A chat that is written to, and how people are addressed in it: by phone number or by LID, never mixed. */

import type { GroupMetadata, WASocket } from 'baileys'
import { bareJid, chatTypeOf, isLid, jidOf } from '../addresses.ts'
import type { BoundedCache } from '../bounded-cache.ts'
import type { ChatType } from '../protocol.ts'
import type { Recipients } from '../recipients.ts'

export interface Chat {
	id: string
	type: ChatType
	jid: string
	byLid: boolean
	/** ourselves, as this chat addresses us */
	own: string
	/** of a group */
	members: GroupMetadata['participants']
}

/** Finds out how a chat is addressed. Throws `recipient_not_on_whatsapp`. */
export async function chatOf(
	id: string,
	socket: WASocket,
	recipients: Recipients,
	groups: BoundedCache<GroupMetadata>
): Promise<Chat> {
	const type = chatTypeOf(id)
	const jid = await recipients.resolve(socket, id)
	const metadata = type === 'group' ? (groups.get(jid) ?? (await socket.groupMetadata(jid))) : undefined
	if (metadata) groups.set(jid, metadata)
	const byLid = metadata ? metadata.addressingMode !== 'pn' : isLid(jid)
	const { id: ownPhone = '', lid: ownLid } = socket.user ?? {}
	const own = bareJid(byLid && ownLid ? ownLid : ownPhone)
	return { id, type, jid, byLid, own, members: metadata?.participants ?? [] }
}

const isOwn = (socket: WASocket, jid: string): boolean =>
	[socket.user?.id, socket.user?.lid].some(own => own && bareJid(own) === jid)

/** Somebody's entry in the group, by number or LID. */
export function memberOf({ members }: Chat, person: string): Chat['members'][number] | undefined {
	const wanted = jidOf(person)
	return members.find(({ id, phoneNumber, lid }) => [id, phoneNumber, lid].some(jid => jid && bareJid(jid) === wanted))
}

/** A person's jid as this chat spells it; undefined for ourselves. */
export async function personJid(chat: Chat, person: string | null, socket: WASocket): Promise<string | undefined> {
	const jid = person === null ? chat.own : jidOf(person)
	if (person === null || isOwn(socket, jid)) return undefined
	const member = memberOf(chat, person)
	if (member) return bareJid(member.id)
	if (isLid(jid) === chat.byLid) return jid
	const { lidMapping } = socket.signalRepository
	const otherForm = chat.byLid ? await lidMapping.getLIDForPN(jid) : await lidMapping.getPNForLID(jid)
	return otherForm ? bareJid(otherForm) : jid
}

/** Whether we may do what only a group's admins may. */
export const weAreAdmin = ({ members, own }: Chat): boolean =>
	members.some(({ id, admin }) => bareJid(id) === own && Boolean(admin))
