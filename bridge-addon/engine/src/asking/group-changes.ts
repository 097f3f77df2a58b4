/** Groups are made, changed and left. What WhatsApp does not allow is `refused`, with its code. */

import type { WASocket } from 'baileys'
import { bareJid, personId } from '../addresses.ts'
import { orRefused } from '../failures.ts'
import { identify } from '../people.ts'
import { EngineError } from '../protocol.ts'
import { type Chat, personJid } from '../sending/chat.ts'
import type { GroupUpdate, MembersOrder } from './questions.ts'

/** WhatsApp's codes: no such group, it was deleted */
const NOT_THERE: readonly unknown[] = [404, 410]
const DONE = '200'
/** as WhatsApp answers for somebody whom it does not know */
const UNKNOWN_PERSON = 404
const INVITES = 'https://chat.whatsapp.com/'

export interface MemberResult {
	chat: string
	done: boolean
	/** why not */
	whatsapp_code: number | null
}

/** Throws `refused`, `group_not_found`. */
export async function changed<T>(change: () => Promise<T>): Promise<T> {
	try {
		return await orRefused(change)
	} catch (error) {
		if (error instanceof EngineError && NOT_THERE.includes(error.whatsappCode))
			throw new EngineError('group_not_found', 'there is no such group')
		throw error
	}
}

export async function updateGroup(jid: string, update: GroupUpdate, socket: WASocket): Promise<void> {
	if (update.subject !== undefined) await socket.groupUpdateSubject(jid, update.subject)
	else if (update.description !== undefined) await socket.groupUpdateDescription(jid, update.description || undefined)
	else if (update.announce !== undefined)
		await socket.groupSettingUpdate(jid, update.announce ? 'announcement' : 'not_announcement')
	else await socket.groupSettingUpdate(jid, update.locked ? 'locked' : 'unlocked')
}

/** `toJid` finds out who is on WhatsApp, and throws `recipient_not_on_whatsapp`. */
export async function changeMembers(
	group: Chat,
	{ action, members }: MembersOrder,
	toJid: (chat: string) => Promise<string>,
	socket: WASocket
): Promise<{ results: MemberResult[] }> {
	const named = new Map<string, string>()
	const results: MemberResult[] = []
	for (const chat of members) {
		try {
			await toJid(chat)
			named.set((await personJid(group, chat, socket)) ?? group.own, chat)
		} catch (error) {
			if (!(error instanceof EngineError) || error.code !== 'recipient_not_on_whatsapp') throw error
			results.push({ chat, done: false, whatsapp_code: UNKNOWN_PERSON })
		}
	}
	const answers = named.size ? await socket.groupParticipantsUpdate(group.jid, [...named.keys()], action) : []
	for (const { jid, status, content } of answers) {
		const { phone_number, lid } = content.attrs
		const known =
			jid && (named.get(bareJid(jid)) ?? personId(await identify(socket, bareJid(jid), phone_number || lid)))
		if (known)
			results.push({ chat: known, done: status === DONE, whatsapp_code: status === DONE ? null : Number(status) })
	}
	return { results: members.flatMap(chat => results.find(result => result.chat === chat) ?? []) }
}

export async function invite(jid: string, renew: boolean, socket: WASocket): Promise<{ url: string }> {
	const code = await (renew ? socket.groupRevokeInvite(jid) : socket.groupInviteCode(jid))
	if (!code) throw new EngineError('not_connected', 'WhatsApp gave no invite link')
	return { url: INVITES + code }
}
