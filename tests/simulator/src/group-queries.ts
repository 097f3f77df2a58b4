/** What a linked device asks of groups, and how it changes them: who may not is refused with WhatsApp's codes. */

import { groupJid, parseJid } from './addresses.ts'
import { change, type GroupChange, groupNode, groupOf, isAdmin, participantNode, roleOf } from './groups.ts'
import { type BinaryNode, child, childBytes, children, node } from './nodes.ts'
import type { Answer, Question } from './queries.ts'
import { QueryError } from './query-error.ts'
import type { Group, Person, World } from './world.ts'

const MOST_SUBJECT = 100
const MOST_DESCRIPTION = 2_048

const notFound = () => new QueryError(404, 'item-not-found')
const forbidden = () => new QueryError(403, 'forbidden')
const notAcceptable = () => new QueryError(406, 'not-acceptable')

/** A group that the owner is in. */
function ownGroup(world: World, jid: string | undefined): Group {
	const group = groupOf(world, jid)
	if (!group) throw notFound()
	if (!roleOf(group, world.owner)) throw forbidden()
	return group
}

export function askedOfGroups({ world, iq, asked }: Question): Answer {
	if (asked?.tag === 'participating') {
		const mine = [...world.groups.values()].filter(group => roleOf(group, world.owner))
		return [
			node(
				'groups',
				{},
				mine.map(group => groupNode(world, group))
			)
		]
	}
	const group = ownGroup(world, iq.attrs.to)
	if (asked?.tag === 'invite') {
		if (!isAdmin(group, world.owner)) throw new QueryError(401, 'not-authorized')
		return [node('invite', { code: group.invite })]
	}
	if (asked?.tag !== 'query') throw notFound()
	world.count('group metadata')
	return [groupNode(world, group)]
}

export function changedInGroups({ world, iq, asked, backlog }: Question): Answer {
	const tag = asked?.tag ?? ''
	if (tag === 'create') return create({ world, asked, backlog } as Question)
	if (tag === 'leave') return leave({ world, asked, backlog } as Question)
	const group = ownGroup(world, iq.attrs.to)
	const admin = isAdmin(group, world.owner)
	const make = (made: GroupChange) => change(world, backlog, group, world.owner, made)
	const mayDescribe = () => {
		if (group.locked && !admin) throw forbidden()
	}
	const mayManage = () => {
		if (!admin) throw forbidden()
	}
	switch (tag) {
		case 'subject': {
			mayDescribe()
			const value = Buffer.from((asked?.content as Uint8Array) ?? []).toString()
			if (!value || value.length > MOST_SUBJECT) throw notAcceptable()
			make({ kind: 'subject', value })
			return []
		}
		case 'description': {
			mayDescribe()
			const { prev, delete: gone } = asked?.attrs ?? {}
			if (prev !== group.description?.id) throw new QueryError(409, 'conflict')
			const value = gone === 'true' ? '' : childBytes(asked, 'body').toString()
			if ((!value && gone !== 'true') || value.length > MOST_DESCRIPTION) throw notAcceptable()
			make({ kind: 'description', value })
			return []
		}
		case 'announcement':
		case 'not_announcement':
			mayManage()
			make({ kind: 'announce', on: tag === 'announcement' })
			return []
		case 'locked':
		case 'unlocked':
			mayManage()
			make({ kind: 'locked', on: tag === 'locked' })
			return []
		case 'invite':
			mayManage()
			make({ kind: 'invite' })
			return [node('invite', { code: group.invite })]
		case 'add':
		case 'remove':
		case 'promote':
		case 'demote':
			mayManage()
			return [node(tag, {}, members(world, group, tag, asked, make))]
	}
	world.violate('iq', `unknown: set w:g2 ${tag}`)
	throw new QueryError(501, 'feature-not-implemented')
}

type MembersAction = 'add' | 'remove' | 'promote' | 'demote'

/** One answer for each that is named; what is possible is done. */
function members(
	world: World,
	group: Group,
	action: MembersAction,
	asked: BinaryNode | undefined,
	make: (made: GroupChange) => void
): BinaryNode[] {
	const named = children(asked, 'participant').map(({ attrs }) => ({ jid: attrs.jid, person: world.person(attrs.jid) }))
	if (!named.length) throw new QueryError(400, 'bad-request')
	const errors = named.map(({ jid, person }) => memberError(group, action, jid, person))
	const done = named.flatMap(({ person }, index) => (person && !errors[index] ? [person] : []))
	if (done.length) make({ kind: action, members: done })
	return named.map(({ jid, person }, index) => {
		const error = errors[index]
		return person ? participantNode(group, person, { error }) : node('participant', { jid, error })
	})
}

function memberError(
	group: Group,
	action: MembersAction,
	jid: string | undefined,
	person: Person | undefined
): string | undefined {
	if (!person || parseJid(jid)?.device) return '404'
	const role = roleOf(group, person)
	if (action !== 'add') return role === undefined ? '404' : role === 'owner' && action !== 'promote' ? '403' : undefined
	if (role !== undefined) return '409'
	return person.refusesGroups ? '403' : undefined
}

function create({ world, asked, backlog }: Question): Answer {
	const { subject, key } = asked?.attrs ?? {}
	const named = children(asked, 'participant').map(({ attrs }) => world.person(attrs.jid))
	if (!subject || subject.length > MOST_SUBJECT || !key) throw notAcceptable()
	if (named.some(person => !person)) throw new QueryError(400, 'bad-request')
	const people = named as Person[]
	const group = world.addGroup(
		subject,
		people.filter(person => !person.refusesGroups).map(({ phone }) => phone),
		'lid'
	)
	change(world, backlog, group, world.owner, { kind: 'create', key })
	const refused = people.filter(person => person.refusesGroups)
	const answer = groupNode(world, group)
	const all = answer.content as BinaryNode[]
	return [{ ...answer, content: [...all, ...refused.map(person => participantNode(group, person, { error: '403' }))] }]
}

function leave({ world, asked, backlog }: Question): Answer {
	const id = child(asked, 'group')?.attrs.id
	const group = ownGroup(world, id)
	change(world, backlog, group, world.owner, { kind: 'leave', members: [world.owner] })
	return [node('leave', {}, [node('group', { id: groupJid(group.id) })])]
}
