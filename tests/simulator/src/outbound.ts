/** Messages from the linked devices: decrypted by every device that they are for, acknowledged, receipted. */

import { proto } from 'baileys'
import { verifySignature } from 'libsignal/src/curve.js'
import { groupJid, lidJid, parseJid, phoneJid } from './addresses.ts'
import type { Backlog } from './backlog.ts'
import { chatName, peerName, phoneSignal } from './inbound.ts'
import type { Link } from './link.ts'
import type { MediaStore } from './media.ts'
import { openMedia } from './media.ts'
import { type BinaryNode, bigEndian, child, childBytes, children, node, seconds } from './nodes.ts'
import { typed } from './noise.ts'
import type { Group, LinkedDevice, Person, PersonDevice, World } from './world.ts'

/** So often a recipient asks for a message again: Baileys sends no third copy. */
const ASKS = 2

interface Delivery {
	linked: LinkedDevice
	stanza: BinaryNode
	id: string
	/** the chat's address as the sender wrote it */
	to: string
}

export class Outbound {
	private readonly world: World
	private readonly media: MediaStore
	private readonly backlog: Backlog

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
		const delivery = { linked, stanza, id, to }
		const group = this.world.groups.get(to.split('@')[0] ?? '')
		if (to.endsWith('@g.us') && !group) {
			link.send(node('ack', { class: 'message', id, from: to, t: seconds(), error: '404' }))
			return
		}
		const acknowledge = () => link.send(node('ack', { class: 'message', id, from: to, t: seconds() }))
		if (acks === undefined) acknowledge()
		else if (acks !== 'none') setTimeout(acknowledge, acks.delay_ms)
		if (!this.identityHolds(delivery)) return
		await this.deliverDirect(delivery)
		if (group) await this.deliverToGroup(delivery, group)
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

	private async deliverToGroup(delivery: Delivery, group: Group): Promise<void> {
		const skmsg = children(delivery.stanza, 'enc').find(({ attrs }) => attrs.type === 'skmsg')
		if (!skmsg) return
		const ciphertext = Buffer.from(skmsg.content as Uint8Array)
		for (const person of this.world.members(group)) {
			for (const device of person.devices) {
				await this.deliver(delivery, person, device, async () =>
					device.signal.decryptFromGroup(groupJid(group.id), peerName(delivery.linked), ciphertext)
				)
			}
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
		const text =
			content.conversation ??
			content.extendedTextMessage?.text ??
			content.imageMessage?.caption ??
			content.documentMessage?.caption
		const type = Object.keys(content).find(key => !['messageContextInfo', 'senderKeyDistributionMessage'].includes(key))
		if (!type || content.protocolMessage) return
		if (device.decrypted.has(id)) {
			this.world.count('duplicates dropped by a recipient')
			return
		}
		device.decrypted.add(id)
		if (device.retries.delete(id)) this.world.count('healed by a retry')
		this.world.count('messages decrypted')
		const chat = chatName(this.world, copy?.destinationJid ?? to)
		this.world.receive(person, device.id, {
			message_id: id,
			from: this.world.owner.phone,
			chat: chat === person.phone ? this.world.owner.phone : chat,
			type,
			...(text ? { text } : {}),
			...(await this.mediaFacts(content))
		})
		if (person !== this.world.owner) this.receipt(delivery, person, device)
	}

	private async mediaFacts(content: proto.IMessage): Promise<{ sha256?: string; file_name?: string }> {
		const media = content.imageMessage ?? content.documentMessage
		if (!media) return {}
		try {
			const plain = openMedia(this.media, content.imageMessage ? 'Image' : 'Document', media)
			return {
				sha256: plain,
				...(content.documentMessage?.fileName ? { file_name: content.documentMessage.fileName } : {})
			}
		} catch (error) {
			this.world.violate('media', String(error))
			return {}
		}
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
		const byLid = group ? group.addressing === 'lid' : to.includes('@lid')
		const sender = byLid ? lidJid(person.lid, device) : phoneJid(person.phone, device)
		const attrs = group
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
