/** Groups as the server keeps them: what is told of them, who may change what, and whom a change is told to. */

import { randomBytes } from 'node:crypto'
import { groupJid, lidJid, parseJid, phoneJid } from './addresses.ts'
import type { Backlog } from './backlog.ts'
import { personJid } from './inbound.ts'
import { type BinaryNode, node, seconds } from './nodes.ts'
import { pictureId } from './pictures.ts'
import { type Group, OWNER_PHONE, type Person, type World } from './world.ts'

export type Role = 'member' | 'admin' | 'owner'

export const roleOf = (group: Group, { phone }: Person): Role | undefined => {
	if (!group.participants.includes(phone)) return undefined
	if (group.owner === phone) return 'owner'
	return group.admins.has(phone) ? 'admin' : 'member'
}

export const isAdmin = (group: Group, person: Person): boolean =>
	['admin', 'owner'].includes(roleOf(group, person) ?? '')

export const newInvite = (): string => randomBytes(16).toString('base64url')

/** The other form beside the one that a group names people by. */
const otherForm = (group: Group, { phone, lid }: Person) =>
	group.addressing === 'lid' ? { phone_number: phoneJid(phone) } : { lid: lidJid(lid) }

export const participantNode = (group: Group, person: Person, attrs: Record<string, string | undefined> = {}) =>
	node('participant', { jid: personJid(person, group.addressing), ...otherForm(group, person), ...attrs })

/** All of a group, as its members are told. */
export function groupNode(world: World, group: Group): BinaryNode {
	const creator = world.person(phoneJid(group.owner))
	const types = { owner: 'superadmin', admin: 'admin', member: undefined } as const
	const participants = world
		.members(group)
		.map(person => participantNode(group, person, { type: types[roleOf(group, person) ?? 'member'] }))
	const attrs = {
		id: group.id,
		subject: group.subject,
		s_t: String(group.created),
		creation: String(group.created),
		creator: creator && personJid(creator, group.addressing),
		creator_pn: creator && group.addressing === 'lid' ? phoneJid(creator.phone) : undefined,
		addressing_mode: group.addressing,
		size: String(participants.length),
		jid: groupJid(group.id)
	}
	const { description } = group
	return node('group', attrs, [
		...participants,
		...(description ? [descriptionNode(description)] : []),
		...(group.announce ? [node('announcement')] : []),
		...(group.locked ? [node('locked')] : [])
	])
}

const descriptionNode = ({ id, body }: { id: string; body: string }) =>
	node('description', { id, t: seconds() }, [node('body', {}, Buffer.from(body))])

/** A change of a group. `members` are those whom it is about. */
export type GroupChange =
	| { kind: 'create'; key?: string | undefined }
	| { kind: 'subject' | 'description'; value: string }
	| { kind: 'announce' | 'locked'; on: boolean }
	| { kind: 'invite' }
	| { kind: 'picture'; picture: Buffer | undefined }
	| { kind: 'add' | 'join' | 'remove' | 'leave' | 'promote' | 'demote'; members: Person[] }

/** Makes a change and tells the linked devices, where the owner is or was a member. */
export function change(world: World, backlog: Backlog, group: Group, actor: Person, made: GroupChange): void {
	const wasIn = group.participants.includes(OWNER_PHONE)
	apply(group, made)
	const isIn = group.participants.includes(OWNER_PHONE)
	if (!wasIn && !isIn) return
	const content = !wasIn ? node('create', {}, [groupNode(world, group)]) : told(world, group, actor, made)
	const attrs = {
		from: groupJid(group.id),
		participant: personJid(actor, group.addressing),
		participant_pn: group.addressing === 'lid' ? phoneJid(actor.phone) : undefined,
		participant_lid: group.addressing === 'lid' ? undefined : lidJid(actor.lid),
		addressing_mode: group.addressing,
		notify: actor.name
	}
	const type = made.kind === 'picture' && wasIn ? 'picture' : 'w:gp2'
	for (const device of world.companions()) {
		const id = String(randomBytes(5).readUIntBE(0, 5))
		backlog.deliver(device, node('notification', { ...attrs, type, id, t: seconds() }, [content]))
	}
}

function apply(group: Group, made: GroupChange): void {
	switch (made.kind) {
		case 'create':
			return
		case 'subject':
			group.subject = made.value
			return
		case 'description':
			group.description = made.value
				? { id: randomBytes(8).toString('hex').toUpperCase(), body: made.value }
				: undefined
			return
		case 'announce':
		case 'locked':
			group[made.kind] = made.on
			return
		case 'invite':
			group.invite = newInvite()
			return
		case 'picture':
			group.picture = made.picture
			return
	}
	const phones = made.members.map(({ phone }) => phone)
	if (made.kind === 'promote') for (const phone of phones) group.admins.add(phone)
	else if (made.kind === 'demote') for (const phone of phones) group.admins.delete(phone)
	else {
		const left = made.kind === 'remove' || made.kind === 'leave'
		group.participants = group.participants.filter(phone => !phones.includes(phone))
		if (!left) group.participants.push(...phones)
		for (const phone of phones) group.admins.delete(phone)
		// who has gone must not read on: everybody else begins anew
		if (left) group.keysShared.clear()
		if (left) group.rotating = true
	}
}

function told(world: World, group: Group, actor: Person, made: GroupChange): BinaryNode {
	switch (made.kind) {
		case 'create':
			return node('create', { type: 'new', key: made.key }, [groupNode(world, group)])
		case 'subject':
			return node('subject', { subject: made.value, s_t: seconds(), s_o: personJid(actor, group.addressing) })
		case 'description':
			return group.description ? descriptionNode(group.description) : node('description', {}, [node('delete')])
		case 'announce':
			return node(made.on ? 'announcement' : 'not_announcement')
		case 'locked':
			return node(made.on ? 'locked' : 'unlocked')
		case 'invite':
			return node('invite', { code: group.invite })
		case 'picture': {
			const attrs = { jid: groupJid(group.id), author: personJid(actor, group.addressing) }
			return made.picture ? node('set', { ...attrs, id: pictureId(made.picture) }) : node('delete', attrs)
		}
	}
	const members = made.members.map(person => participantNode(group, person))
	if (made.kind === 'join') return node('add', { reason: 'invite' }, members)
	return node(made.kind === 'leave' ? 'remove' : made.kind, {}, members)
}

export const groupOf = (world: World, jid: string | undefined): Group | undefined =>
	world.groups.get(parseJid(jid)?.user ?? '')
