/** Messages on their way to the linked devices: written by contacts or on the owner's own phone. */

import { randomBytes } from 'node:crypto'
import { deflateSync } from 'node:zlib'
import { proto } from 'baileys'
import { groupId, groupJid, lidJid, parseJid, phoneJid, STATUS_JID } from './addresses.ts'
import type { AppState } from './app-state.ts'
import type { Backlog } from './backlog.ts'
import { type Bundle, preKeyOf, signedPreKeyOf } from './bundle.ts'
import { kindOf } from './content.ts'
import { type BinaryNode, child, childBytes, children, node, seconds } from './nodes.ts'
import type { SignalDevice } from './signal-device.ts'
import {
	type Addressing,
	type Channel,
	type Group,
	KEPT,
	type LinkedDevice,
	type Person,
	type SentFile,
	type World
} from './world.ts'
import type { Draft } from './writing.ts'

/** The name of a linked device in a simulated device's Signal store: one session, however a stanza is addressed. */
export const peerName = (device: LinkedDevice): string => `linked-${device.id}`

const DELIVERED_KEPT = 500

/** Where one ciphertext is for all. */
interface Shared {
	jid: string
	addressing: Addressing
	keysShared: Set<string>
}

const sharedBy = ({ id, addressing, keysShared }: Group): Shared => ({ jid: groupJid(id), addressing, keysShared })

export const newMessageId = (): string => randomBytes(16).toString('hex').toUpperCase()

export class Inbound {
	private readonly world: World
	private readonly backlog: Backlog

	private readonly appState: AppState
	/** which linked devices have whose key for status posts: `<phone> <device>` */
	private readonly statusKeys = new Set<string>()
	/** stanzas as they went out, by message and device */
	private readonly delivered = new Map<string, BinaryNode>()

	constructor(world: World, backlog: Backlog, appState: AppState) {
		this.appState = appState
		this.world = world
		this.backlog = backlog
	}

	/** A contact writes to the owner, or to a group that both are in. Returns the message id. */
	async write(
		person: Person,
		{ message, file, viewOnce }: Draft,
		options: { group?: Group | undefined; addressing?: Addressing | undefined; status?: boolean | undefined }
	): Promise<string> {
		const id = newMessageId()
		const { group, addressing, status } = options
		const all = group ? sharedBy(group) : status ? this.statusOf(person, addressing) : undefined
		this.note(id, group ? `group:${group.id}` : status ? 'status' : person.phone, person, message, file)
		const noted = this.world.written.get(id)
		const sender = personJid(person, group?.addressing ?? addressing ?? person.addressing)
		if (noted) noted.address = all ? { jid: all.jid, participant: sender } : { jid: sender }
		if (group ? !group.participants.includes(this.world.owner.phone) : this.world.blocked.has(person.phone)) return id
		await this.sendOut(person, id, async device => {
			const stanza = await this.stanza(device, person, id, message, all, addressing)
			// WhatsApp gives it to the phone alone, and tells the others no more than that it is there
			if (!viewOnce) return stanza
			all?.keysShared.delete(`${person.phone} ${device.id}`)
			return { ...stanza, content: [node('unavailable', { type: 'view_once' })] }
		})
		return id
	}

	/** Somebody posts to a channel, from elsewhere: its followers get it, not encrypted. */
	async post(channel: Channel, { message, file }: Draft): Promise<string> {
		const id = newMessageId()
		this.world.write(id, { chat: `channel:${channel.id}`, author: this.world.owner, file })
		const server_id = String(++channel.posts)
		for (const device of this.world.companions()) {
			const attrs = { from: `${channel.id}@newsletter`, id, server_id, t: seconds(), type: envelope(message).type }
			const content = [node('plaintext', {}, Buffer.from(proto.Message.encode(message).finish()))]
			this.backlog.deliver(device, node('message', attrs, content))
		}
		return id
	}

	/** WhatsApp delivers a message once more, as it was (`same`), or its sender has sent it again. */
	async again(id: string, same: boolean): Promise<boolean> {
		const person = this.world.everybody().find(({ sent }) => sent.has(id))
		const compose = person?.sent.get(id)
		if (!compose) return false
		for (const device of this.world.companions()) {
			const stanza = same ? this.delivered.get(`${id} ${device.id}`) : await compose(device)
			if (stanza) this.backlog.deliver(device, stanza)
		}
		return true
	}

	private statusOf(person: Person, addressing: Addressing | undefined): Shared {
		return { jid: STATUS_JID, addressing: addressing ?? person.addressing, keysShared: this.statusKeys }
	}

	/** The owner writes on the phone: the linked devices get a copy. */
	async writeOnPhone(chat: Person | Group, { message, file }: Draft): Promise<string> {
		const id = newMessageId()
		const { owner } = this.world
		this.note(id, 'subject' in chat ? `group:${chat.id}` : chat.phone, owner, message, file)
		if ('subject' in chat) {
			await this.sendOut(owner, id, device => this.stanza(device, owner, id, message, sharedBy(chat)))
			return id
		}
		const byLid = chat.addressing === 'lid'
		const recipient = byLid ? lidJid(chat.lid) : phoneJid(chat.phone)
		const copy = { deviceSentMessage: { destinationJid: recipient, message } }
		await this.sendOut(owner, id, async device => {
			const enc = await this.encrypt(owner, device, copy)
			const from = byLid ? lidJid(owner.lid) : phoneJid(owner.phone)
			const attrs = { from, recipient, id, t: seconds(), ...envelope(message), ...altAttrs('recipient', chat, byLid) }
			return node('message', attrs, [enc])
		})
		return id
	}

	private note(id: string, chat: string, author: Person, message: proto.IMessage, file: SentFile | undefined): void {
		this.world.write(id, { chat, author, secret: message.messageContextInfo?.messageSecret ?? undefined, file })
	}

	/** Encrypts for each linked device, and remembers how, for one that asks to have it again. */
	private async sendOut(
		person: Person,
		id: string,
		compose: (device: LinkedDevice) => Promise<BinaryNode>
	): Promise<void> {
		person.sent.set(id, compose)
		for (const oldest of person.sent.keys()) {
			if (person.sent.size <= KEPT) break
			person.sent.delete(oldest)
		}
		const garbled = person.garbleNext
		person.garbleNext = false
		for (const device of this.world.companions()) {
			const stanza = await compose(device)
			this.delivered.set(`${id} ${device.id}`, stanza)
			this.backlog.deliver(device, garbled ? garble(stanza) : stanza)
		}
		for (const oldest of this.delivered.keys()) {
			if (this.delivered.size <= DELIVERED_KEPT) break
			this.delivered.delete(oldest)
		}
	}

	/** What a complete phone tells a new companion: an app state key, and a history without chats but with the hidden numbers. */
	async greet(device: LinkedDevice): Promise<void> {
		const owner = device.person
		const { Type } = proto.Message.ProtocolMessage
		const { HistorySyncType } = proto.HistorySync
		const { keyId, keyData } = this.appState
		const history = proto.HistorySync.encode({
			syncType: HistorySyncType.INITIAL_BOOTSTRAP,
			phoneNumberToLidMappings: [{ pnJid: phoneJid(owner.phone), lidJid: lidJid(owner.lid) }]
		}).finish()
		for (const protocolMessage of [
			{
				type: Type.APP_STATE_SYNC_KEY_SHARE,
				appStateSyncKeyShare: { keys: [{ keyId: { keyId }, keyData }] }
			},
			{
				type: Type.HISTORY_SYNC_NOTIFICATION,
				historySyncNotification: {
					syncType: HistorySyncType.INITIAL_BOOTSTRAP,
					chunkOrder: 1,
					progress: 100,
					initialHistBootstrapInlinePayload: deflateSync(history)
				}
			}
		]) {
			const enc = await this.encrypt(owner, device, { protocolMessage })
			const attrs = { from: phoneJid(owner.phone), id: newMessageId(), t: seconds(), type: 'text', category: 'peer' }
			this.backlog.deliver(device, node('message', attrs, [enc]))
		}
	}

	private async stanza(
		device: LinkedDevice,
		person: Person,
		id: string,
		message: proto.IMessage,
		all?: Shared,
		addressing = person.addressing
	): Promise<BinaryNode> {
		const byLid = (all?.addressing ?? addressing) === 'lid'
		const sender = personJid(person, byLid ? 'lid' : 'pn')
		const common = { id, t: seconds(), ...envelope(message), notify: person.name }
		if (!all) {
			const enc = await this.encrypt(person, device, message)
			return node('message', { ...common, from: sender, ...altAttrs('sender', person, byLid) }, [enc])
		}
		const { jid } = all
		const signal = phoneSignal(person)
		const shared = `${person.phone} ${device.id}`
		const encs: BinaryNode[] = []
		if (!all.keysShared.has(shared)) {
			const distribution = signal.senderKeyDistribution(jid)
			encs.push(
				await this.encrypt(person, device, {
					senderKeyDistributionMessage: { groupId: jid, axolotlSenderKeyDistributionMessage: distribution }
				})
			)
			all.keysShared.add(shared)
		}
		// one ciphertext a message for all; each linked device of ours gets its own, which the protocol allows
		encs.push(node('enc', { v: '2', type: 'skmsg' }, signal.encryptForGroup(jid, message)))
		const attrs = {
			...common,
			from: jid,
			participant: sender,
			addressing_mode: all.addressing,
			...altAttrs('participant', person, byLid)
		}
		return node('message', attrs, encs)
	}

	private async encrypt(person: Person, device: LinkedDevice, message: proto.IMessage): Promise<BinaryNode> {
		const signal = phoneSignal(person)
		if (!signal.hasSession(peerName(device))) await signal.begin(peerName(device), takeBundle(device))
		const { type, ciphertext } = await signal.encrypt(peerName(device), message)
		return node('enc', { v: '2', type }, ciphertext)
	}

	/** A linked device could not decrypt a message: its sender encrypts it again, in a new session. */
	async resend(device: LinkedDevice, receipt: BinaryNode): Promise<void> {
		const id = receipt.attrs.id ?? ''
		const person = this.world.person(receipt.attrs.participant ?? receipt.attrs.to)
		const compose = person?.sent.get(id)
		if (!person || !compose) return
		this.world.count('retries asked by the linked device')
		const keys = child(receipt, 'keys')
		const bundle: Bundle = keys
			? {
					registrationId: childBytes(receipt, 'registration').readUInt32BE(0),
					identity: childBytes(keys, 'identity'),
					signedPreKey: signedPreKeyOf(keys),
					...(child(keys, 'key') ? { preKey: preKeyOf(child(keys, 'key') as BinaryNode) } : {})
				}
			: takeBundle(device)
		try {
			await phoneSignal(person).begin(peerName(device), bundle)
		} catch (error) {
			this.world.violate('retry receipt', String(error))
			return
		}
		const group = this.world.groups.get(receipt.attrs.to?.split('@')[0] ?? '')
		const keysShared = group?.keysShared ?? (receipt.attrs.to === STATUS_JID ? this.statusKeys : undefined)
		keysShared?.delete(`${person.phone} ${device.id}`)
		this.backlog.deliver(device, await compose(device))
	}
}

/** What the server is told about a message beside its ciphertext. */
function envelope(message: proto.IMessage): { type: string; edit?: string } {
	const { protocolMessage } = message
	if (protocolMessage) return { type: 'text', edit: protocolMessage.editedMessage ? '1' : '7' }
	if (message.reactionMessage) return { type: 'reaction' }
	const kind = kindOf(message) ?? ''
	if (kind.startsWith('poll')) return { type: 'poll' }
	if (kind === 'eventMessage' || kind === 'encEventResponseMessage') return { type: 'event' }
	return { type: kind === 'conversation' || kind === 'extendedTextMessage' ? 'text' : 'media' }
}

/** The stanza as it comes when its ciphertexts were lost on the way. */
function garble(stanza: BinaryNode): BinaryNode {
	const encs = children(stanza, 'enc').map(enc => ({
		...enc,
		content: randomBytes((enc.content as Uint8Array).length)
	}))
	return { ...stanza, content: encs }
}

/** A person, as one of the two forms of addressing names people. */
export const personJid = (person: Person, addressing: Addressing): string =>
	addressing === 'lid' ? lidJid(person.lid) : phoneJid(person.phone)

/** The other form of a person's address: `sender_lid` beside a phone number, `sender_pn` beside a LID. */
function altAttrs(
	role: 'sender' | 'participant' | 'recipient',
	person: Person,
	byLid: boolean
): Record<string, string> {
	return byLid ? { [`${role}_pn`]: phoneJid(person.phone) } : { [`${role}_lid`]: lidJid(person.lid) }
}

export function phoneSignal(person: Person): SignalDevice {
	const phone = person.devices[0]
	if (!phone) throw new Error(`${person.name} has no phone`)
	return phone.signal
}

/** Takes a one-time pre-key of a linked device from the server's store. */
export function takeBundle(device: LinkedDevice): Bundle {
	if (!device.signedPreKey) throw new Error('the linked device has published no keys')
	const preKey = device.preKeys.shift()
	return {
		registrationId: device.registrationId,
		identity: device.identity,
		signedPreKey: device.signedPreKey,
		...(preKey ? { preKey } : {})
	}
}

/** The chat that a jid names, in the control API's form. */
export function chatName(world: World, jid: string | undefined): string {
	const address = parseJid(jid)
	if (address?.server === 'g.us') return groupId(jid ?? '')
	if (address?.server === 'newsletter') return `channel:${address.user}`
	if (jid === STATUS_JID) return 'status'
	return world.person(jid)?.phone ?? String(jid)
}
