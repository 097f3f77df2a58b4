/** Who a jid is: phone number and LID, as far as WhatsApp tells. */

import type { WASocket } from 'baileys'
import { bareJid, isLid, lidOf, type Person, phoneOf } from './addresses.ts'

/** Knows a person by a jid and, where the stanza had it, the other form. */
export async function identify(socket: WASocket, jid: string, otherForm?: string | null): Promise<Person> {
	const known = { phone: phoneOf(jid) ?? phoneOf(otherForm), lid: lidOf(jid) ?? lidOf(otherForm) }
	const { lidMapping } = socket.signalRepository
	if (!known.phone && isLid(jid)) {
		// comes with a device part; the server never reveals a number, so this looks in our own store alone
		const number = await lidMapping.getPNForLID(bareJid(jid))
		return { ...known, phone: phoneOf(number && bareJid(number)) }
	}
	return known
}
