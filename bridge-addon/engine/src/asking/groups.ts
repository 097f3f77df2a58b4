/** The groups that this account is in, as WhatsApp tells them now. */

import type { GroupMetadata, WASocket } from 'baileys'
import { bareJid, chatId, personId } from '../addresses.ts'
import { rememberPairs } from '../group-changes.ts'
import { refusalCode } from '../failures.ts'
import { identify } from '../people.ts'
import { EngineError, rfc3339 } from '../protocol.ts'

export interface GroupSummary {
	chat: string
	subject: string
	/** how many members, ourselves counted */
	size: number
	created_at: string | null
	/** only admins write */
	announce: boolean
	/** only admins change it */
	locked: boolean
}

export interface Group extends GroupSummary {
	description: string | null
	/** a chat id; null where whoever made it is hidden */
	owner: string | null
	members: { chat: string; phone: string | null; lid: string | null; role: 'member' | 'admin' | 'owner' }[]
}

const ROLES = { admin: 'admin', superadmin: 'owner' } as const
/** WhatsApp's codes: no such group, we are not in it */
const [NOT_FOUND, GONE, FORBIDDEN, NOT_AUTHORIZED] = [404, 410, 403, 401]

export async function groupList(socket: WASocket): Promise<{ groups: GroupSummary[] }> {
	const groups = Object.values(await socket.groupFetchAllParticipating())
	return { groups: groups.map(summary) }
}

/** Throws `group_not_found`, `not_a_member`. */
export async function groupWithMembers(socket: WASocket, jid: string): Promise<Group> {
	const metadata = await metadataOf(socket, jid)
	await rememberPairs(
		metadata.participants.map(({ id, phoneNumber, lid }) => ({ jid: id, other: phoneNumber ?? lid })),
		socket
	)
	const members = await Promise.all(
		metadata.participants.map(async ({ id, phoneNumber, lid, admin }) => {
			const person = await identify(socket, bareJid(id), phoneNumber ?? lid)
			return { chat: personId(person), ...person, role: admin ? ROLES[admin] : ('member' as const) }
		})
	)
	const { owner, ownerPn } = metadata
	const creator = owner ? personId(await identify(socket, bareJid(owner), ownerPn)) : null
	return { ...summary(metadata), description: metadata.desc || null, owner: creator, members }
}

async function metadataOf(socket: WASocket, jid: string): Promise<GroupMetadata> {
	try {
		return await socket.groupMetadata(jid)
	} catch (error) {
		throw notToBeSeen(error)
	}
}

/** What it means that WhatsApp does not tell of a group: `group_not_found`, `not_a_member`, or the error itself. */
export function notToBeSeen(error: unknown): unknown {
	const code = refusalCode(error)
	if (code === NOT_FOUND || code === GONE) return new EngineError('group_not_found', 'there is no such group')
	if (code === FORBIDDEN || code === NOT_AUTHORIZED) return new EngineError('not_a_member', 'not in this group')
	return error
}

const summary = ({ id, subject, size, participants, creation, announce, restrict }: GroupMetadata): GroupSummary => ({
	chat: chatId(id, 'group'),
	subject,
	size: size ?? participants.length,
	created_at: creation ? rfc3339(creation * 1000) : null,
	announce: announce ?? false,
	locked: restrict ?? false
})
