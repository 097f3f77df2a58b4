/** What people tell of themselves, and whom the owner has blocked. */

import { lidJid, parseJid } from './addresses.ts'
import { firstChild, node } from './nodes.ts'
import type { Answer, Question } from './queries.ts'
import { QueryError } from './query-error.ts'

const MOST_ABOUT = 139

/** The owner tells something else about himself. */
export function setAbout({ world, asked }: Question): Answer {
	const about = Buffer.from((asked?.content as Uint8Array) ?? []).toString()
	if (asked?.tag !== 'status' || about.length > MOST_ABOUT) throw new QueryError(406, 'not-acceptable')
	world.owner.about = about
	return []
}

export function blockList({ world }: Question): Answer {
	const items = [...world.blocked].flatMap(phone => {
		const person = world.people.get(phone)
		return person ? [node('item', { jid: lidJid(person.lid) })] : []
	})
	return [node('list', { dhash: 'sim' }, items)]
}

/** People are blocked by LID; whoever blocks tells the number too. */
export function setBlocked({ world, iq }: Question): Answer {
	const { action, jid, pn_jid } = firstChild(iq)?.attrs ?? {}
	const person = world.person(jid)
	const known = person && person !== world.owner && parseJid(jid)?.server === 'lid'
	if (!known || (action !== 'block' && action !== 'unblock')) throw new QueryError(400, 'bad-request')
	if (action === 'block' && world.person(pn_jid) !== person) throw new QueryError(400, 'bad-request')
	if (action === 'block') world.blocked.add(person.phone)
	else world.blocked.delete(person.phone)
	return blockList({ world } as Question)
}
