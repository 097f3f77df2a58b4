/** Pictures of people and groups, as the server tells where they lie. */

import { createHash, randomBytes } from 'node:crypto'
import type { Backlog } from './backlog.ts'
import { personJid } from './inbound.ts'
import { node, seconds } from './nodes.ts'
import type { Answer, Question } from './queries.ts'
import { QueryError } from './query-error.ts'
import type { Person, World } from './world.ts'

/** WhatsApp numbers pictures; a new one has another number. */
export const pictureId = (picture: Buffer): string =>
	String(createHash('sha256').update(picture).digest().readUIntBE(0, 5))

/** Somebody has another picture, or none: those who know them are told. */
export function setPicture(backlog: Backlog, world: World, person: Person, picture: Buffer | undefined): void {
	person.picture = picture
	const from = personJid(person, person.addressing)
	const what = picture
		? node('set', { jid: from, id: pictureId(picture), author: from })
		: node('delete', { jid: from, author: from })
	for (const device of world.companions()) {
		const id = String(randomBytes(5).readUIntBE(0, 5))
		backlog.deliver(device, node('notification', { type: 'picture', from, id, t: seconds() }, [what]))
	}
}

export function picture({ world, iq, asked, media }: Question): Answer {
	const { target } = iq.attrs
	const { type, query } = asked?.attrs ?? {}
	if (asked?.tag !== 'picture' || query !== 'url' || (type !== 'preview' && type !== 'image')) {
		world.violate('picture', 'asked for in a way that the server does not know')
		throw new QueryError(400, 'bad-request')
	}
	world.count('pictures asked for')
	const person = world.person(target)
	const group = world.groups.get(target?.split('@')[0] ?? '')
	if (person?.pictureHidden) throw new QueryError(401, 'not-authorized')
	const found = person?.picture ?? group?.picture
	if (!found) throw new QueryError(404, 'item-not-found')
	const path = media.keep(found)
	return [node('picture', { id: pictureId(found), type, url: `https://${media.host}${path}`, direct_path: path })]
}
