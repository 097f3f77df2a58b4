/** Calls: somebody rings the owner, whose phone and linked devices are told until it is over. */

import { randomBytes } from 'node:crypto'
import { groupJid, parseJid, phoneJid } from './addresses.ts'
import type { Backlog } from './backlog.ts'
import { personJid } from './inbound.ts'
import type { Link } from './link.ts'
import { type BinaryNode, firstChild, node, seconds } from './nodes.ts'
import type { Addressing, Call, Group, Person, World } from './world.ts'

/** How a call ends, as linked devices hear it. */
export type CallEnd = 'hang-up' | 'timeout' | 'accepted' | 'rejected'

export class Calls {
	private readonly world: World
	private readonly backlog: Backlog
	private stanzas = 0

	constructor(world: World, backlog: Backlog) {
		this.world = world
		this.backlog = backlog
	}

	ring(person: Person, addressing: Addressing, video: boolean, group: Group | undefined): Call {
		const call: Call = {
			id: randomBytes(16).toString('hex').toUpperCase(),
			creator: personJid(person, addressing),
			phone: person.phone,
			state: 'ringing'
		}
		this.world.calls.set(call.id, call)
		const attrs = { 'group-jid': group && groupJid(group.id), ...(group ? { type: 'group' } : {}) }
		const media = [node('audio', { enc: 'opus', rate: '16000' }), ...(video ? [node('video', { dec: 'h264' })] : [])]
		this.tell(call, 'offer', { ...attrs, caller_pn: addressing === 'lid' ? phoneJid(call.phone) : undefined }, media)
		return call
	}

	/** The caller hangs up or gives up, or the owner answers or declines on the phone. */
	end(call: Call, how: CallEnd): void {
		const reason = {
			'hang-up': undefined,
			timeout: 'timeout',
			accepted: 'accepted_elsewhere',
			rejected: 'rejected_elsewhere'
		}
		call.state = how === 'accepted' || how === 'rejected' ? how : 'over'
		this.tell(call, 'terminate', { reason: reason[how] })
	}

	private tell(call: Call, tag: string, attrs: Record<string, string | undefined>, content?: BinaryNode[]): void {
		const what = node(tag, { 'call-id': call.id, 'call-creator': call.creator, ...attrs }, content)
		for (const device of this.world.companions()) {
			const id = `call-${++this.stanzas}`
			this.backlog.deliver(device, node('call', { from: call.creator, id, t: seconds() }, [what]))
		}
	}

	/** A linked device rejects a call. */
	take(link: Link, stanza: BinaryNode): void {
		const { id, to, from } = stanza.attrs
		const what = firstChild(stanza)
		const call = this.world.calls.get(what?.attrs['call-id'] ?? '')
		const complain = (why: string) => this.world.violate('call', why)
		if (what?.tag !== 'reject') complain(`<${what?.tag}> from a device that cannot call`)
		else if (!call || call.creator !== to || what.attrs['call-creator'] !== call.creator)
			complain('rejects what nobody called')
		else if (this.world.person(from) !== this.world.owner || parseJid(from)?.device !== link.device?.id)
			complain('from somebody else')
		else if (call.state === 'ringing') call.state = 'rejected'
		link.send(node('ack', { class: 'call', id, from: to, type: what?.tag }))
	}
}
