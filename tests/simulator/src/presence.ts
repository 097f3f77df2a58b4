/** Who is online and who types: what people see of the owner, and what a linked device is told of them. */

import { groupJid, parseJid } from './addresses.ts'
import { chatName, personJid } from './inbound.ts'
import type { Link } from './link.ts'
import { type BinaryNode, firstChild, node } from './nodes.ts'
import type { Addressing, Group, LinkedDevice, Person, World } from './world.ts'

export type PresenceName = 'available' | 'unavailable' | 'typing' | 'recording' | 'paused'

/** A linked device says that it is online or not, or wants to know of somebody. */
export function takePresence(world: World, device: LinkedDevice, { attrs }: BinaryNode): void {
	const { type, to } = attrs
	if (type === 'subscribe') {
		const chat = chatName(world, to)
		if (!chat.startsWith('+') && !chat.startsWith('group:')) world.violate('presence', 'of nobody')
		device.watches.add(chat)
	} else if (type === 'available' || type === 'unavailable') {
		device.presence = type
		seenOf(world)
	} else if (type !== undefined) world.violate('presence', `type="${type}"`)
}

export function wentOffline(world: World, device: LinkedDevice): void {
	device.presence = 'unavailable'
	device.watches.clear()
	seenOf(world)
}

/** Others see the owner online while one linked device is, and typing only then. */
function seenOf(world: World): void {
	const online = [...world.linked.values()].some(({ presence }) => presence === 'available')
	world.seen.presence = online ? 'available' : 'unavailable'
	if (!online) world.seen.typing.clear()
}

/** A linked device types to somebody. */
export function takeChatState(world: World, device: LinkedDevice, stanza: BinaryNode): void {
	const { from, to } = stanza.attrs
	const state = firstChild(stanza)
	const chat = chatName(world, to)
	const complain = (why: string) => world.violate('chatstate', why)
	const sender = parseJid(from)
	if (world.person(from) !== world.owner || sender?.device !== device.id) complain('of somebody else')
	if (sender?.server !== parseJid(to)?.server && !chat.startsWith('group:')) complain('by number and by LID at once')
	if (!chat.startsWith('+') && !world.groups.has(chat.replace(/^group:/, ''))) complain('to nobody')
	if (state?.tag === 'paused') world.seen.typing.delete(chat)
	else if (state?.tag !== 'composing') complain(`<${state?.tag}>`)
	else if (device.presence === 'available')
		world.seen.typing.set(chat, state.attrs.media === 'audio' ? 'recording' : 'typing')
	else world.count('typing that nobody saw')
}

/** Tells those linked devices that asked, and are online themselves. */
export function showPresence(
	links: Iterable<Link>,
	person: Person,
	presence: PresenceName,
	where: { group?: Group | undefined; addressing: Addressing; lastSeen?: number | undefined }
): void {
	const { group, addressing, lastSeen } = where
	const sender = personJid(person, group?.addressing ?? addressing)
	const attrs = group ? { from: groupJid(group.id), participant: sender } : { from: sender }
	const chat = group ? `group:${group.id}` : person.phone
	const stanza =
		presence === 'available' || presence === 'unavailable'
			? node('presence', {
					...attrs,
					type: presence === 'unavailable' ? presence : undefined,
					last: lastSeen === undefined ? 'deny' : String(lastSeen)
				})
			: node('chatstate', attrs, [
					presence === 'paused'
						? node('paused')
						: node('composing', { media: presence === 'recording' ? 'audio' : undefined })
				])
	for (const link of links)
		if (link.device?.presence === 'available' && link.device.watches.has(chat)) link.send(stanza)
}
