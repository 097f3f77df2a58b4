/** Stanzas for linked devices: sent at once to one that is online, and kept until it has answered them. */

import type { Link } from './link.ts'
import { answeredKey, type BinaryNode, node, SERVER, stanzaKey } from './nodes.ts'
import type { LinkedDevice, World } from './world.ts'

export type FindLink = (device: LinkedDevice) => Link | undefined

export class Backlog {
	private readonly world: World
	private readonly linkOf: FindLink

	constructor(world: World, linkOf: FindLink) {
		this.world = world
		this.linkOf = linkOf
	}

	/** Delivers a message or receipt, now or at the next login. */
	deliver(device: LinkedDevice, stanza: BinaryNode): void {
		device.pending.set(stanzaKey(stanza), stanza)
		const link = this.linkOf(device)
		if (!link?.active) return
		link.send(stanza)
		if (stanza.tag === 'message' && this.world.faults.drop_after_message) setImmediate(() => link.drop())
	}

	/** Forgets what the client has answered: with an ack, or a message with a receipt. */
	answered(device: LinkedDevice, stanza: BinaryNode): void {
		for (const key of answeredKey(stanza)) device.pending.delete(key)
	}

	/** At login: what waited, marked as such, between the two notices that frame it. */
	atLogin(link: Link, device: LinkedDevice): void {
		const waiting = [...device.pending.values()]
		const count = String(waiting.length)
		const message = String(waiting.filter(({ tag }) => tag === 'message').length)
		const receipt = String(waiting.filter(({ tag }) => tag === 'receipt').length)
		link.send(
			node('ib', { from: SERVER }, [
				node('offline_preview', { count, message, notification: '0', receipt, appdata: '0' })
			])
		)
		for (const stanza of waiting) link.send({ ...stanza, attrs: { ...stanza.attrs, offline: '1' } })
		link.send(node('ib', { from: SERVER }, [node('offline', { count })]))
	}
}
