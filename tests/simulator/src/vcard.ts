/** Reads a contact card as strictly as a phone that offers to save it: vCard 3.0, a name, numbers that WhatsApp can open a chat with. */

export interface Card {
	name: string
	phones: string[]
	organization: string | null
	email: string | null
}

const unescaped = (value: string): string =>
	value.replace(/\\([\\;,nN])/g, (_, letter: string) => (letter.toLowerCase() === 'n' ? '\n' : letter))

/** Throws what is wrong with it. */
export function readCard(vcard: string): Card {
	const lines = vcard.split(/\r?\n/)
	if (lines[0] !== 'BEGIN:VCARD' || lines[1] !== 'VERSION:3.0' || lines.at(-1) !== 'END:VCARD')
		throw new Error('not a vCard 3.0')
	const card: Card = { name: '', phones: [], organization: null, email: null }
	let structuredName = false
	for (const line of lines.slice(2, -1)) {
		const [, property, parameters = '', value = ''] = /^([A-Z]+)((?:;[^:]*)?):(.*)$/.exec(line) ?? []
		if (!property) throw new Error('a line of the vCard is no property')
		if (/(^|[^\\])(\\\\)*\\($|[^\\;,nN])/.test(value)) throw new Error('a stray backslash in the vCard')
		if (property === 'N') structuredName = value.replace(/\\./g, '').split(';').length === 5
		else if (property === 'FN') card.name = unescaped(value)
		else if (property === 'ORG') card.organization = unescaped(value)
		else if (property === 'EMAIL') card.email = unescaped(value)
		else if (property === 'TEL') {
			const waid = /;waid=(\d+)/.exec(parameters)?.[1]
			if (value !== `+${waid}`) throw new Error('waid and the number differ')
			card.phones.push(value)
		}
	}
	if (!card.name || !structuredName) throw new Error('a vCard without a name')
	if (!card.phones.length) throw new Error('a vCard without a number')
	return card
}
