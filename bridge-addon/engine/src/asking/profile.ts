/** What others are told of this account, and whom it has blocked. */

import type { WASocket } from 'baileys'
import { bareJid, isLid, type Person, personId } from '../addresses.ts'
import { identify } from '../people.ts'
import { EngineError } from '../protocol.ts'
import type { ProfileUpdate } from './questions.ts'

export interface Profile extends Person {
	name: string | null
	/** empty where there is none */
	about: string
}

export async function profileOf(own: Person, socket: WASocket): Promise<Profile> {
	const { me } = socket.authState.creds
	const [told] = (await socket.fetchStatus(bareJid(me?.id ?? ''))) ?? []
	if (!told) throw new EngineError('not_connected', 'WhatsApp did not tell the profile')
	const { status } = told.status as { status: string | null }
	return { ...own, name: me?.name ?? null, about: status ?? '' }
}

export async function updateProfile({ name, about }: ProfileUpdate, socket: WASocket): Promise<void> {
	if (about !== undefined) await socket.updateProfileStatus(about)
	if (name === undefined) return
	await socket.updateProfileName(name)
	const { me } = socket.authState.creds
	if (me) socket.ev.emit('creds.update', { me: { ...me, name } })
}

export async function blockList(socket: WASocket): Promise<{ chats: string[] }> {
	const jids = (await socket.fetchBlocklist()).flatMap(jid => (jid ? [bareJid(jid)] : []))
	return { chats: await Promise.all(jids.map(async jid => personId(await identify(socket, jid)))) }
}

/** WhatsApp blocks by LID and wants the number beside it: somebody whose number is hidden cannot be blocked from here. */
export async function setBlocked(jid: string, blocked: boolean, socket: WASocket): Promise<void> {
	if (blocked && isLid(jid) && !(await identify(socket, jid)).phone)
		throw new EngineError('refused', 'the number of this person is hidden')
	await socket.updateBlockStatus(jid, blocked ? 'block' : 'unblock')
}
