/** A linked device tells that messages were read. */

import { type BinaryNode, child, children } from './nodes.ts'
import type { World } from './world.ts'

export function takeReadReceipt(world: World, stanza: BinaryNode): void {
	const { id, to, participant, type, t } = stanza.attrs
	const further = children(child(stanza, 'list'), 'item').map(({ attrs }) => attrs.id)
	if (!t) world.violate('receipt', 'read at no time')
	for (const messageId of [id, ...further]) {
		const written = world.written.get(messageId ?? '')
		if (!written?.address) world.violate('receipt', 'read what nobody wrote to us')
		else if (written.address.jid !== to || written.address.participant !== participant)
			world.violate('receipt', 'read, but not where it came from')
		else written.read = type === 'read' ? 'read' : (written.read ?? 'read-self')
	}
}
