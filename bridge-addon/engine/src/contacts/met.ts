/** What Baileys tells of people, as contacts. */

import type { Contact as BaileysContact, WASocket } from 'baileys'
import { bareJid, chatType } from '../addresses.ts'
import { identify } from '../people.ts'
import type { Contact } from './book.ts'

/** Groups and channels among them are left out. */
export async function metContacts(contacts: Partial<BaileysContact>[], socket: WASocket): Promise<Partial<Contact>[]> {
	const people = contacts.filter(({ id }) => id && chatType(bareJid(id)) === 'person')
	return Promise.all(
		people.map(async ({ id = '', lid, phoneNumber, name, notify, verifiedName }) => ({
			...(await identify(socket, bareJid(id), lid || phoneNumber)),
			name: name || null,
			push_name: notify || verifiedName || null
		}))
	)
}
