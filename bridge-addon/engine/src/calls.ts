/** Calls to this account: that they ring, and what becomes of them. They can be rejected, not answered. */

import type { BinaryNode, WASocket } from 'baileys'
import { bareJid, chatId, type Person, personId } from './addresses.ts'
import { BoundedCache } from './bounded-cache.ts'
import { identify } from './people.ts'
import { type CallChanged, type CallStatus, EngineError, rfc3339 } from './protocol.ts'

const REMEMBERED = 200
const OVER: readonly CallStatus[] = ['rejected', 'missed', 'ended']

interface Call {
	status: CallStatus
	/** the device that calls, as WhatsApp names it */
	creator: string
	person: Person
	group: string | null
	video: boolean
}

export type CallTold = Omit<CallChanged, 'account' | 'delivery' | 'backlog'> & { offline: boolean }

export class Calls {
	private readonly known = new BoundedCache<Call>(REMEMBERED)

	/** What a `<call>` says that was not known yet; undefined where that is nothing. */
	async take({ attrs, content }: BinaryNode, socket: WASocket): Promise<CallTold | undefined> {
		const [what] = Array.isArray(content) ? content : []
		const id = what?.attrs['call-id']
		if (!what || !id) return undefined
		const call = this.known.get(id) ?? (await callOf(what, attrs.from ?? '', socket))
		const status = statusOf(what, this.known.get(id)?.status)
		if (!status || (this.known.get(id) && call.status === status)) return undefined
		call.status = status
		this.known.set(id, call)
		const seconds = Number(attrs.t)
		return told(id, call, seconds ? seconds * 1000 : Date.now(), attrs.offline !== undefined)
	}

	/** Throws `call_not_known` where it does not ring. */
	async reject(id: string, socket: WASocket): Promise<CallTold> {
		const call = this.known.get(id)
		if (call?.status !== 'ringing') throw new EngineError('call_not_known', 'no such call rings')
		await socket.rejectCall(id, call.creator)
		call.status = 'rejected'
		return told(id, call, Date.now(), false)
	}
}

async function callOf(what: BinaryNode, from: string, socket: WASocket): Promise<Call> {
	const { 'call-creator': creator = from, caller_pn: phone, 'group-jid': group, media } = what.attrs
	const parts = Array.isArray(what.content) ? what.content : []
	return {
		status: 'ringing',
		creator,
		person: await identify(socket, bareJid(creator), phone && bareJid(phone)),
		group: group ? chatId(group, 'group') : null,
		video: media === 'video' || parts.some(({ tag }) => tag === 'video')
	}
}

/** `before`: the call's status until now, undefined for one that nothing was known of. */
function statusOf({ tag, attrs }: BinaryNode, before: CallStatus | undefined): CallStatus | undefined {
	if (before && OVER.includes(before)) return undefined
	switch (tag) {
		case 'offer':
		case 'offer_notice':
			return before ? undefined : 'ringing'
		case 'accept':
			return 'accepted'
		case 'reject':
			return 'rejected'
		case 'terminate':
			if (attrs.reason === 'accepted_elsewhere') return 'accepted'
			if (attrs.reason === 'rejected_elsewhere') return 'rejected'
			return before === 'accepted' ? 'ended' : 'missed'
		default:
			return undefined
	}
}

const told = (call_id: string, { status, person, group, video }: Call, at: number, offline: boolean): CallTold => ({
	call_id,
	person: personId(person),
	chat: group ?? personId(person),
	video,
	status,
	timestamp: rfc3339(at),
	offline
})
