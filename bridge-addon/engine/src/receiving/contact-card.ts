/** Contact cards as phones write them: vCard 3.0 (RFC 2426), of whatever origin, so that nothing is demanded of them. */

import type { proto } from 'baileys'
import type { ContactCard } from './contents.ts'

const unescaped = (value: string): string =>
	value.replace(/\\([\\;,nN])/g, (_, letter: string) => (/n/i.test(letter) ? '\n' : letter))

/** Lines that were folded are one again (RFC 2425, 5.8.1). Of `item1.TEL;type=CELL:…` the group and the parameters are left out. */
function* properties(vcard: string): Generator<[name: string, parameters: string, value: string]> {
	for (const line of vcard.replace(/\r?\n[ \t]/g, '').split(/\r?\n/)) {
		const [, name = '', parameters = '', value = ''] = /^(?:[\w-]+\.)?([\w-]+)((?:;[^:]*)?):(.*)$/.exec(line) ?? []
		if (name) yield [name.toUpperCase(), parameters, unescaped(value).trim()]
	}
}

/** A number that WhatsApp knows is in `waid`; others are as somebody wrote them. */
function phone(parameters: string, written: string): string {
	const [, waid] = /;waid=(\d+)/i.exec(parameters) ?? []
	return waid ? `+${waid}` : written
}

export function readCard({ displayName, vcard }: proto.Message.IContactMessage): ContactCard {
	const card: ContactCard = { name: displayName ?? '', phones: [], organization: null, email: null }
	for (const [name, parameters, value] of properties(vcard ?? '')) {
		if (!value) continue
		if (name === 'FN') card.name ||= value
		else if (name === 'ORG') card.organization ??= value.replace(/;+$/, '')
		else if (name === 'EMAIL') card.email ??= value
		else if (name === 'TEL') card.phones.push(phone(parameters, value))
	}
	return card
}
