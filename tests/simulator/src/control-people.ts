/** The control API about people: their pictures, who is online and types, what they see of the owner, what was read. */

import { addressing, type Call, contact, group, type Routes } from './control-call.ts'
import {
	bytes,
	ControlError,
	optionalChoice,
	optionalFlag,
	optionalInteger,
	optionalText,
	refuseUnknown,
	text
} from './control-fields.ts'
import { change } from './groups.ts'
import { setPicture } from './pictures.ts'
import { showPresence } from './presence.ts'
import type { World } from './world.ts'

export const peopleRoutes: Routes = [
	['PUT', /^\/admin\/contacts\/([^/]+)\/picture$/, changePicture],
	['PUT', /^\/admin\/groups\/([^/]+)\/picture$/, setGroupPicture],
	['POST', /^\/admin\/contacts\/([^/]+)\/presence$/, show],
	['GET', /^\/admin\/contacts\/([^/]+)\/sees$/, sees],
	['POST', /^\/admin\/contacts\/([^/]+)\/call$/, ring],
	['POST', /^\/admin\/calls\/([^/]+)\/end$/, endCall],
	['GET', /^\/admin\/calls\/([^/]+)$/, ({ world, name }) => ({ state: call(world, name).state })],
	['GET', /^\/admin\/messages\/([^/]+)$/, read],
	['PUT', /^\/admin\/contacts\/([^/]+)\/name$/, rename],
	['PUT', /^\/admin\/contacts\/([^/]+)\/address-book$/, enter],
	['PUT', /^\/admin\/mock-phone\/name$/, renameOwner],
	['GET', /^\/admin\/mock-phone\/profile$/, profile]
]

/** What they call themselves: told with what they write next. */
function rename({ world, name, body }: Call) {
	refuseUnknown(body, ['name'])
	contact(world, name).name = text(body, 'name')
}

/** The owner's phone names them in its address book. */
async function enter({ world, server, name, body }: Call) {
	refuseUnknown(body, ['name'])
	await server.appState.nameContact(contact(world, name), text(body, 'name'))
}

async function renameOwner({ server, body }: Call) {
	refuseUnknown(body, ['name'])
	await server.appState.nameOwner(text(body, 'name'))
}

/** What others see of the owner, and whom the owner has blocked. */
function profile({ world }: Call) {
	return { name: world.owner.name, about: world.owner.about, blocked: [...world.blocked] }
}

/** Without bytes they take it away. */
function changePicture({ world, server, name, body }: Call) {
	refuseUnknown(body, ['bytes', 'hidden'])
	const person = contact(world, name)
	person.pictureHidden = optionalFlag(body, 'hidden') ?? false
	setPicture(server.backlog, world, person, body.bytes === undefined ? undefined : bytes(body, 'bytes'))
}

function setGroupPicture({ world, server, name, body }: Call) {
	refuseUnknown(body, ['bytes'])
	const picture = body.bytes === undefined ? undefined : bytes(body, 'bytes')
	change(world, server.backlog, group(world, name), world.owner, { kind: 'picture', picture })
}

const PRESENCES = ['available', 'unavailable', 'typing', 'recording', 'paused'] as const

function show({ world, server, name, body }: Call) {
	refuseUnknown(body, ['presence', 'group', 'addressing', 'last_seen'])
	const person = contact(world, name)
	const presence = optionalChoice(body, 'presence', PRESENCES)
	if (!presence) throw new ControlError(400, 'bad_request', 'presence is missing')
	const groupName = optionalText(body, 'group')
	showPresence(server.links, person, presence, {
		group: groupName ? group(world, groupName) : undefined,
		addressing: addressing(body) ?? person.addressing,
		lastSeen: optionalInteger(body, 'last_seen', 0, 2 ** 32)
	})
}

function ring({ world, server, name, body }: Call) {
	refuseUnknown(body, ['video', 'group', 'addressing'])
	const person = contact(world, name)
	const groupName = optionalText(body, 'group')
	const inGroup = groupName ? group(world, groupName) : undefined
	const form = inGroup?.addressing ?? addressing(body) ?? person.addressing
	return { call_id: server.calls.ring(person, form, optionalFlag(body, 'video') ?? false, inGroup).id }
}

function call(world: World, id: string) {
	const found = world.calls.get(id)
	if (!found) throw new ControlError(404, 'unknown_call', `no call ${id}`)
	return found
}

function endCall({ world, server, name, body }: Call) {
	refuseUnknown(body, ['how'])
	const how = optionalChoice(body, 'how', ['hang-up', 'timeout', 'accepted', 'rejected'] as const) ?? 'hang-up'
	server.calls.end(call(world, name), how)
}

/** Whether the owner is online, and types in a chat with this contact. */
function sees({ world, name }: Call) {
	const { phone } = contact(world, name)
	const chats = [
		phone,
		...[...world.groups.values()].filter(one => one.participants.includes(phone)).map(({ id }) => `group:${id}`)
	]
	const typing = Object.fromEntries([...world.seen.typing].filter(([chat]) => chats.includes(chat)))
	return { presence: world.seen.presence, typing }
}

function read({ world, name }: Call) {
	const written = world.written.get(name)
	if (!written) throw new ControlError(404, 'unknown_message', `no message ${name}`)
	return { read: written.read ?? null }
}
