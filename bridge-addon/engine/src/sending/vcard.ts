/** Contact cards as WhatsApp reads them: vCard 3.0 (RFC 2426), with the number that a chat can be opened with in `waid`. */

import type { Contact } from './order.ts'

const escaped = (value: string): string => value.replace(/[\\;,]/g, '\\$&').replace(/\r\n|\r|\n/g, '\\n')

export function vcard({ name, phones, organization, email }: Contact): string {
	return [
		'BEGIN:VCARD',
		'VERSION:3.0',
		`N:;${escaped(name)};;;`,
		`FN:${escaped(name)}`,
		...(organization ? [`ORG:${escaped(organization)}`] : []),
		...phones.map(phone => `TEL;type=CELL;waid=${phone.slice(1)}:${phone}`),
		...(email ? [`EMAIL:${escaped(email)}`] : []),
		'END:VCARD'
	].join('\n')
}
