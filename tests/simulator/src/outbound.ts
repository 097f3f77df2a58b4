/** Messages from the linked devices: decrypted by every device that they are for, acknowledged, receipted. */

import { proto } from 'baileys'
import { verifySignature } from 'libsignal/src/curve.js'
import { groupJid, lidJid, parseJid, phoneJid, STATUS_JID } from './addresses.ts'
import type { Backlog } from './backlog.ts'
import { takePost } from './channels.ts'
import { type Content, kindOf, readContent, wordsOf } from './content.ts'
import { chatName, peerName, phoneSignal } from './inbound.ts'
import type { Link } from './link.ts'
import type { MediaStore } from './media.ts'
import { type BinaryNode, bigEndian, child, childBytes, children, node, seconds } from './nodes.ts'
import { typed } from './noise.ts'
import type { Reading } from './reading.ts'
import {
	type Group,
	KEPT,
	type LinkedDevice,
	OWNER_PHONE,
	type Person,
	type PersonDevice,
	type World
} from './world.ts'

/** So often a recipient asks for a message again: Baileys sends no third copy. */
const ASKS = 2

interface Delivery {
	linked: LinkedDevice
	stanza: BinaryNode
	id: string
	/** the chat's address as the sender wrote it */
	to: string
	/** this id has come before: a repetition, or what somebody asked to have again */
	again: boolean
}

const STATUS_KINDS = ['text', 'image', 'video', 'voice']

export class Outbound {
	private readonly world: World
	private readonly media: MediaStore
	private readonly backlog: Backlog
	private readonly seen = new Set<string>()
	private readonly complaints = new Set<string>()

	constructor(world: World, media: MediaStore, backlog: Backlog) {
		this.world = world
		this.media = media
		this.backlog = backlog
	}

	async take(link: Link, linked: LinkedDevice, stanza: BinaryNode): Promise<void> {
		const { id, to } = stanza.attrs
		if (!id || !to) {
			this.world.violate('message', 'without id or address')
			return
		}
		const { acks } = this.world.faults
		if (typeof acks === 'object' && 'error' in acks) {
			link.send(node('ack', { class: 'message', id, from: to, t: seconds(), error: String(acks.error) }))
			return
		}
		const group = this.world.groups.get(to.split('@')[0] ?? '')
		if (group && !group.participants.includes(OWNER_PHONE)) {
			link.send(node('ack', { class: 'message', id, from: to, t: seconds(), error: '403' }))
			return
		}
		const delivery = { linked, stanza, id, to, again: this.comesAgain(id) }
		const channel = this.world.channels.get(to.split('@')[0] ?? '')
		const unknown = (to.endsWith('@g.us') && !group) || (to.endsWith('@newsletter') && !channel)
		if (unknown) {
			link.send(node('ack', { class: 'message', id, from: to, t: seconds(), error: '404' }))
			return
		}
		const posted = channel && takePost(this.world, this.media, channel, stanza)
		const server_id = posted === undefined ? undefined : String(posted)
		const acknowledge = () => link.send(node('ack', { class: 'message', id, from: to, t: seconds(), server_id }))
		if (acks === undefined) acknowledge()
		else if (acks !== 'none') setTimeout(acknowledge, acks.delay_ms)
		if (channel || !this.identityHolds(delivery)) return
		if (group) this.checkKeys(delivery, group)
		await this.deliverDirect(delivery)
		if (group) await this.deliverToGroup(delivery, group.id, groupJid(group.id), this.devicesOf(group))
		else if (to === STATUS_JID) await this.deliverToGroup(delivery, 'status', STATUS_JID, this.addressed(delivery))
	}

	private comesAgain(id: string): boolean {
		const again = this.seen.has(id)
		this.seen.add(id)
		for (const oldest of this.seen) {
			if (this.seen.size <= KEPT) break
			this.seen.delete(oldest)
		}
		return again
	}

	/** Whoever begins a session shows the identity that the owner's phone signed; else no phone takes the message. */
	private identityHolds({ linked, stanza }: Delivery): boolean {
		const encs = [
			...children(child(stanza, 'participants'), 'to').flatMap(to => children(to, 'enc')),
			...children(stanza, 'enc')
		]
		if (!encs.some(({ attrs }) => attrs.type === 'pkmsg')) return true
		const sealed = childBytes(stanza, 'device-identity')
		if (!sealed.length) {
			this.world.violate('message', 'pkmsg without device-identity')
			return false
		}
		const identity = proto.ADVSignedDeviceIdentity.decode(sealed)
		const account = phoneSignal(this.world.owner).identityKey
		const details = Buffer.from(identity.details ?? [])
		const holds =
			details.equals(linked.details) &&
			verifySignature(
				typed(account),
				Buffer.concat([Buffer.from([6, 0]), details, linked.identity]),
				Buffer.from(identity.accountSignature ?? [])
			) &&
			verifySignature(
				typed(linked.identity),
				Buffer.concat([Buffer.from([6, 1]), details, linked.identity, account]),
				Buffer.from(identity.deviceSignature ?? [])
			)
		if (!holds) this.world.violate('message', 'device-identity does not hold')
		return holds
	}

	/** A group's key is for its members alone; and for each of them anew when somebody has gone. */
	private checkKeys({ stanza, again }: Delivery, group: Group): void {
		const members = this.world.members(group)
		const named = children(child(stanza, 'participants'), 'to').map(({ attrs }) => attrs.jid)
		const people = named.map(jid => this.world.person(jid))
		if (people.some(person => !person || !members.includes(person)))
			this.world.violate('message', 'a key for somebody who is not in the group')
		if (!group.rotating || again) return
		group.rotating = false
		const left = members.filter(person => person !== this.world.owner && !people.includes(person))
		if (left.length) this.world.violate('message', 'the key that somebody has who has left the group')
	}

	/** The parts that are encrypted for one device each. */
	private async deliverDirect(delivery: Delivery): Promise<void> {
		const { stanza, to } = delivery
		const addressed = children(child(stanza, 'participants'), 'to').flatMap(part =>
			children(part, 'enc').map(enc => ({ jid: part.attrs.jid, enc }))
		)
		const bare = children(stanza, 'enc').filter(({ attrs }) => attrs.type !== 'skmsg')
		for (const { jid, enc } of [...addressed, ...bare.map(enc => ({ jid: stanza.attrs.participant ?? to, enc }))]) {
			const person = this.world.person(jid)
			const device = person?.devices.find(({ id }) => id === parseJid(jid)?.device)
			if (!person || !device) {
				const ours = person === this.world.owner && this.world.linked.has(parseJid(jid)?.device ?? 0)
				if (!ours) this.world.violate('message', 'encrypted for a device that does not exist')
				continue
			}
			await this.deliver(delivery, person, device, () => {
				const type = enc.attrs.type === 'pkmsg' ? 'pkmsg' : 'msg'
				return device.signal.decrypt(peerName(delivery.linked), {
					type,
					ciphertext: Buffer.from(enc.content as Uint8Array)
				})
			})
		}
	}

	private devicesOf(group: Group): [Person, PersonDevice][] {
		return this.world
			.members(group)
			.flatMap(person => person.devices.map(device => [person, device] as [Person, PersonDevice]))
	}

	/** Whom a status post is for: those that its sender names. */
	private addressed({ stanza }: Delivery): [Person, PersonDevice][] {
		return children(child(stanza, 'participants'), 'to').flatMap(({ attrs: { jid } }) => {
			const person = this.world.person(jid)
			const device = person?.devices.find(({ id }) => id === parseJid(jid)?.device)
			return person && device ? [[person, device] as [Person, PersonDevice]] : []
		})
	}

	private async deliverToGroup(
		delivery: Delivery,
		chat: string,
		jid: string,
		devices: [Person, PersonDevice][]
	): Promise<void> {
		const skmsg = children(delivery.stanza, 'enc').find(({ attrs }) => attrs.type === 'skmsg')
		if (!skmsg) {
			if (!delivery.again) this.world.violate('message', `nothing for all of ${chat}`)
			return
		}
		const ciphertext = Buffer.from(skmsg.content as Uint8Array)
		for (const [person, device] of devices) {
			await this.deliver(delivery, person, device, async () =>
				device.signal.decryptFromGroup(jid, peerName(delivery.linked), ciphertext)
			)
		}
	}

	private async deliver(
		delivery: Delivery,
		person: Person,
		device: PersonDevice,
		decrypt: () => Promise<proto.Message>
	): Promise<void> {
		const { id, linked, to } = delivery
		let message: proto.Message
		let later = false
		try {
			message = await decrypt()
			if (person.failNext !== 'no' && !message.senderKeyDistributionMessage) {
				later = person.failNext === 'later'
				person.failNext = 'no'
				throw new Error('told to fail once')
			}
		} catch (error) {
			const ask = () => this.askAgain(delivery, person, device, String(error))
			if (later) person.askLater.push(ask)
			else ask()
			return
		}
		const distribution = message.senderKeyDistributionMessage
		if (distribution?.axolotlSenderKeyDistributionMessage) {
			device.signal.takeSenderKey(
				distribution.groupId ?? '',
				peerName(linked),
				Buffer.from(distribution.axolotlSenderKeyDistributionMessage)
			)
		}
		const copy = message.deviceSentMessage
		const content = copy?.message ?? message
		content.messageContextInfo ??= message.messageContextInfo ?? null
		const type = kindOf(content)
		if (!type || (content.protocolMessage && !content.protocolMessage.key)) return
		if (device.decrypted.has(id)) {
			this.world.count('duplicates dropped by a recipient')
			return
		}
		device.decrypted.add(id)
		if (device.retries.delete(id)) this.world.count('healed by a retry')
		this.world.count('messages decrypted')
		const jid = copy?.destinationJid ?? withoutDevice(to)
		const chat = chatName(this.world, jid)
		const text = wordsOf(content)
		const read = this.read(delivery, jid, chat, content)
		this.world.receive(person, device.id, {
			message_id: id,
			from: this.world.owner.phone,
			chat: chat === person.phone ? this.world.owner.phone : chat,
			type,
			...(text ? { text } : {}),
			content: read,
			...mediaFacts(read)
		})
		if (person !== this.world.owner) this.receipt(delivery, person, device)
	}

	/** What it says, with all that is wrong with it noted once. */
	private read({ id, stanza, again }: Delivery, jid: string, chat: string, message: proto.IMessage): Content {
		const { world, media } = this
		const complain = (why: string) => {
			if (this.complaints.has(`${id} ${why}`)) return
			this.complaints.add(`${id} ${why}`)
			world.violate('content', why)
		}
		const group = world.groups.get(jid.split('@')[0] ?? '')
		world.write(id, { chat, author: world.owner })
		const reading: Reading = { world, media, messageId: id, jid, chat, group, complain }
		const content = readContent(message, reading)
		const secret = message.messageContextInfo?.messageSecret
		world.write(id, { chat, author: world.owner, kind: content.kind, ...(secret ? { secret } : {}) })
		if (!again) checkEnvelope(stanza, content, message, complain)
		if (chat === 'status' && !STATUS_KINDS.includes(content.kind)) complain('a status post of a kind that there is not')
		return content
	}

	private receipt({ linked, id, to }: Delivery, person: Person, device: PersonDevice): void {
		if (person.receipts === 'none') return
		this.sendReceipt(linked, person, device.id, id, to)
		if (person.receipts === 'read' && device.id === 0) this.sendReceipt(linked, person, 0, id, to, 'read')
	}

	/** A receipt as a contact's device sends it: in the chat's own way of addressing. */
	sendReceipt(
		linked: LinkedDevice,
		person: Person,
		device: number,
		id: string,
		to: string,
		type?: string,
		extra?: BinaryNode[]
	): void {
		const group = this.world.groups.get(to.split('@')[0] ?? '')
		const shared = group ?? to === STATUS_JID
		const byLid = group ? group.addressing === 'lid' : to.includes('@lid')
		const sender = byLid ? lidJid(person.lid, device) : phoneJid(person.phone, device)
		const attrs = shared
			? { from: to, participant: sender }
			: { from: sender, recipient: person === this.world.owner ? to : undefined }
		this.backlog.deliver(linked, node('receipt', { ...attrs, id, t: seconds(), type }, extra))
	}

	private askAgain({ linked, id, to }: Delivery, person: Person, device: PersonDevice, why: string): void {
		const count = (device.retries.get(id) ?? 0) + 1
		device.retries.set(id, count)
		this.world.count('retries asked by a recipient')
		if (count > ASKS) {
			if (count === ASKS + 1) this.world.violate('message', `never decrypted: ${why}`)
			return
		}
		this.sendReceipt(linked, person, device.id, id, to, 'retry', [
			node('retry', { count: String(count), id, t: seconds(), v: '1' }),
			node('registration', {}, bigEndian(device.signal.registrationId, 4))
		])
	}
}

/** Sha256 and file name once more, as the control API has always told them. */
function mediaFacts({ media, file_name }: Content): { sha256?: string; file_name?: string } {
	const { sha256 } = (media ?? {}) as { sha256?: string }
	return { ...(sha256 ? { sha256 } : {}), ...(typeof file_name === 'string' ? { file_name } : {}) }
}

function withoutDevice(jid: string): string {
	const { user, server } = parseJid(jid) ?? {}
	return user ? `${user}@${server}` : jid
}

/** What the server is told about a message beside its ciphertext, and routes by. */
function checkEnvelope(
	{ attrs, ...stanza }: BinaryNode,
	{ kind, author }: Content,
	message: proto.IMessage,
	complain: (why: string) => void
): void {
	const ours = author === OWNER_PHONE
	const edit = kind === 'edit' ? '1' : kind === 'revoke' ? (ours ? '7' : '8') : undefined
	if (attrs.edit !== edit) complain(`edit="${attrs.edit}" on a ${kind}`)
	const meta = child({ attrs, ...stanza }, 'meta')?.attrs
	if ((meta?.polltype === 'creation') !== (kind === 'poll')) complain('polltype that is missing or wrong')
	if ((meta?.event_type === 'creation') !== (kind === 'event')) complain('event_type that is missing or wrong')
	const type = TYPES[kind] ?? 'text'
	if (attrs.type !== type) complain(`type="${attrs.type}" on a ${kind}`)
	if (message.reactionMessage && !hidden({ attrs, ...stanza })) complain('a reaction that shows when it fails')
}

const MEDIA_KINDS = ['image', 'video', 'audio', 'voice', 'document', 'sticker', 'contacts']
const TYPES: Record<string, string> = {
	...Object.fromEntries(MEDIA_KINDS.map(kind => [kind, 'media'])),
	poll: 'poll',
	event: 'event',
	reaction: 'reaction'
}

const hidden = (stanza: BinaryNode): boolean =>
	[
		...children(stanza, 'enc'),
		...children(child(stanza, 'participants'), 'to').flatMap(to => children(to, 'enc'))
	].some(({ attrs }) => attrs['decrypt-fail'] === 'hide')
