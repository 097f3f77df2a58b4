/** The control API about groups: made, changed by their members, looked at. */

import { addressing, type Call, contact, group, type Routes } from './control-call.ts'
import {
	bytes,
	ControlError,
	optionalChoice,
	optionalFlag,
	optionalText,
	refuseUnknown,
	text,
	textList
} from './control-fields.ts'
import { change, type GroupChange, roleOf } from './groups.ts'
import { OWNER_PHONE, type Person, type World } from './world.ts'

export const groupRoutes: Routes = [
	['POST', /^\/admin\/groups$/, addGroup],
	['GET', /^\/admin\/groups\/([^/]+)$/, look],
	['POST', /^\/admin\/groups\/([^/]+)\/changes$/, makeChange]
]

/** Somebody of the group, the owner too. */
function person(world: World, phone: string): Person {
	return phone === OWNER_PHONE ? world.owner : contact(world, phone)
}

function addGroup({ world, server, body }: Call) {
	refuseUnknown(body, ['subject', 'participants', 'addressing', 'by', 'without_owner'])
	const participants = textList(body, 'participants')
	for (const phone of participants) contact(world, phone)
	const by = optionalText(body, 'by') ?? OWNER_PHONE
	const withoutOwner = optionalFlag(body, 'without_owner') ?? false
	if (by !== OWNER_PHONE && !participants.includes(by))
		throw new ControlError(409, 'not_a_participant', `${by} is not in it`)
	if (withoutOwner && by === OWNER_PHONE) throw new ControlError(400, 'bad_request', 'whoever makes a group is in it')
	const made = world.addGroup(text(body, 'subject'), participants, addressing(body) ?? 'pn', by, !withoutOwner)
	change(world, server.backlog, made, person(world, by), { kind: 'create' })
	return { id: `group:${made.id}` }
}

function look({ world, name }: Call) {
	const found = group(world, name)
	const roles = world.members(found).map(one => [one.phone, roleOf(found, one)])
	return {
		subject: found.subject,
		description: found.description?.body ?? null,
		announce: found.announce,
		locked: found.locked,
		invite: found.invite,
		members: Object.fromEntries(roles)
	}
}

const CHANGES = [
	'subject',
	'description',
	'announce',
	'locked',
	'invite',
	'picture',
	'add',
	'join',
	'remove',
	'leave',
	'promote',
	'demote'
] as const

/** `by` is who does it. The simulator does not ask whether they may. */
function makeChange({ world, server, name, body }: Call) {
	refuseUnknown(body, ['by', 'change', 'members', 'value', 'on', 'bytes'])
	const found = group(world, name)
	const actor = person(world, text(body, 'by'))
	change(world, server.backlog, found, actor, changeOf(world, body, actor))
}

function changeOf(world: World, body: Call['body'], actor: Person): GroupChange {
	const kind = optionalChoice(body, 'change', CHANGES)
	switch (kind) {
		case undefined:
			throw new ControlError(400, 'bad_request', 'change is missing')
		case 'subject':
			return { kind, value: text(body, 'value') }
		case 'description':
			return { kind, value: optionalText(body, 'value') ?? '' }
		case 'announce':
		case 'locked':
			return { kind, on: optionalFlag(body, 'on') ?? false }
		case 'invite':
			return { kind }
		case 'picture':
			return { kind, picture: body.bytes === undefined ? undefined : bytes(body, 'bytes') }
		case 'join':
		case 'leave':
			return { kind, members: [actor] }
		default:
			return { kind, members: textList(body, 'members').map(phone => person(world, phone)) }
	}
}
