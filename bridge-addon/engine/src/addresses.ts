/** Between WhatsApp's jids and the chat ids, numbers and LIDs of the protocol. The one place that knows how a jid is spelled. */

import { jidDecode, jidNormalizedUser } from 'baileys'
import type { ChatType } from './protocol.ts'

const GROUP = /@g\.us$/
const LID = /@(lid|hosted\.lid)$/
const PERSON = /@(s\.whatsapp\.net|hosted)$/

export const STATUS_JID = 'status@broadcast'

export const isGroup = (jid: string): boolean => GROUP.test(jid)
export const isLid = (jid: string): boolean => LID.test(jid)

/** Which kind of chat a jid names; undefined for what is none (broadcast lists, the server itself). */
export function chatType(jid: string): ChatType | undefined {
	if (GROUP.test(jid)) return 'group'
	if (jid.endsWith('@newsletter')) return 'channel'
	if (jid === STATUS_JID) return 'status'
	return PERSON.test(jid) || LID.test(jid) ? 'person' : undefined
}

/** What stands before the @: the digits of a person. */
export const userOf = (jid: string): string => jidDecode(jid)?.user ?? ''

/** `+<digits>` of a phone number's jid, else null. */
export const phoneOf = (jid: string | null | undefined): string | null =>
	jid && PERSON.test(jid) ? `+${userOf(jid)}` : null

/** The digits of a LID's jid, else null. */
export const lidOf = (jid: string | null | undefined): string | null => (jid && LID.test(jid) ? userOf(jid) : null)

/** A person as known by one or both of the two forms. */
export interface Person {
	phone: string | null
	lid: string | null
}

export const personId = ({ phone, lid }: Person): string => phone ?? `lid:${lid}`

/** Whom a person's chat id names. */
export const personOf = (chat: string): Person =>
	chat.startsWith('+') ? { phone: chat, lid: null } : { phone: null, lid: chat.split(':')[1] ?? null }

/** The chat id of a group, a channel or the status feed. */
export function chatId(jid: string, type: Exclude<ChatType, 'person'>): string {
	return type === 'status' ? 'status' : `${type}:${userOf(jid)}`
}

/** Which kind of chat a chat id names. */
export function chatTypeOf(chat: string): ChatType {
	const [kind] = chat.split(':')
	return kind === 'group' || kind === 'channel' || kind === 'status' ? kind : 'person'
}

/** The jid that a chat id names; a phone number's is to be checked with WhatsApp first. */
export function jidOf(chat: string): string {
	const [kind, name] = chat.split(':')
	if (chat.startsWith('+')) return `${chat.slice(1)}@s.whatsapp.net`
	if (kind === 'group') return `${name}@g.us`
	if (kind === 'lid') return `${name}@lid`
	if (kind === 'channel') return `${name}@newsletter`
	return STATUS_JID
}

/** The jids that a person may be named by. */
export const personJids = ({ phone, lid }: Person): string[] =>
	[phone, lid && `lid:${lid}`].flatMap(chat => (chat ? jidOf(chat) : []))

/** Without device and agent, as chats are kept. */
export const bareJid = (jid: string): string => jidNormalizedUser(jid)
