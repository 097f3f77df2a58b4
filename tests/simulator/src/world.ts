/** All that the simulated servers, phones and people know. No input or output here. */

import { randomBytes } from 'node:crypto'
import { digits, lidOf, parseJid, phoneJid } from './addresses.ts'
import type { Bundle, PublicPreKey } from './bundle.ts'
import type { Content } from './content.ts'
import type { Faults } from './faults.ts'
import type { BinaryNode } from './nodes.ts'
import { SignalDevice } from './signal-device.ts'

export const OWNER_PHONE = '+15550001000'
/** so many messages of each person are remembered */
export const KEPT = 5000

export type Addressing = 'pn' | 'lid'

/** A message as somebody's devices decrypted it. Times are Unix milliseconds. */
export interface ReceivedMessage {
	index: number
	message_id: string
	from: string
	chat: string
	type: string
	text?: string
	/** all of it, in the simulator's own words */
	content: Content
	sha256?: string
	file_name?: string
	received_at: number
	devices: number[]
}

/** What stands in a chat. */
export interface Written {
	/** a contact's number, a group, a channel or `status` */
	chat: string
	author: Person
	/** of its content, once somebody has decrypted it */
	kind?: string | undefined
	at: number
	/** the message that took it back */
	revokedBy?: string
	/** of a poll or event */
	secret?: Uint8Array | undefined
	file?: SentFile | undefined
	/** where it came from, as a linked device was told: its receipts name it the same way */
	address?: { jid: string; participant?: string | undefined }
	/** a linked device has told that it was read: to its author, or to the owner's own devices alone */
	read?: 'read' | 'read-self'
}

/** Somebody calls the owner. */
export interface Call {
	id: string
	/** the calling device's address */
	creator: string
	phone: string
	state: 'ringing' | 'accepted' | 'rejected' | 'over'
}

/** What people see of the owner. */
export interface Seen {
	presence: 'available' | 'unavailable'
	/** by chat: a contact's number or a group */
	typing: Map<string, 'typing' | 'recording'>
}

/** A file that somebody sent, and still has on the phone unless it is gone there too. */
export interface SentFile {
	/** on the media host */
	path: string
	/** encrypted */
	body: Buffer
	mediaKey: Uint8Array
	/** of the content, in hex */
	sha256: string
	gone: boolean
}

/** Somewhere messages are received. */
export interface Inbox {
	inbox: ReceivedMessage[]
}

/** A channel of the owner's. */
export interface Channel extends Inbox {
	id: string
	name: string
	/** WhatsApp's own number of the newest post */
	posts: number
}

/** One phone (device 0) or companion of a person. */
export interface PersonDevice {
	id: number
	signal: SignalDevice
	/** messages that it asked to have again, with how often */
	retries: Map<string, number>
	decrypted: Set<string>
}

export interface Person extends Inbox {
	phone: string
	lid: string
	name: string
	addressing: Addressing
	devices: PersonDevice[]
	receipts: 'delivery' | 'read' | 'none'
	/** The next message is treated as undecryptable. */
	failNext: 'no' | 'at once' | 'later'
	/** Retry receipts that it sends only when it is told to. */
	askLater: (() => void)[]
	/** What this person writes next arrives garbled. */
	garbleNext: boolean
	/** a JPEG */
	picture: Buffer | undefined
	/** not everybody may see it */
	pictureHidden: boolean
	/** what they tell of themselves */
	about: string
	/** nobody may add this person to a group */
	refusesGroups: boolean
	/** what this person wrote, by message id: encrypts it (again) for a linked device */
	sent: Map<string, (device: LinkedDevice) => Promise<BinaryNode>>
}

export interface Group {
	id: string
	subject: string
	addressing: Addressing
	/** of members */
	participants: string[]
	/** whoever made it */
	owner: string
	admins: Set<string>
	description: { id: string; body: string } | undefined
	/** only admins write */
	announce: boolean
	/** only admins change it */
	locked: boolean
	/** the code of its link */
	invite: string
	/** somebody has gone: what is written next has a new key, which all others are given */
	rotating: boolean
	created: number
	/** a JPEG */
	picture: Buffer | undefined
	/** which linked devices have which member's sender key: `<phone> <device>` */
	keysShared: Set<string>
}

/** A companion that somebody linked: what the server and the phone keep of it. */
export interface LinkedDevice {
	id: number
	/** whose phone linked it */
	person: Person
	name: string
	platform: string
	identity: Buffer
	/** its long-lived Noise key: a login with another one is refused */
	noiseKey: Buffer
	registrationId: number
	/** it is written to from when it has published this */
	signedPreKey?: Bundle['signedPreKey']
	preKeys: PublicPreKey[]
	/** ADVDeviceIdentity that the phone signed */
	details: Buffer
	removed: boolean
	greeted: boolean
	/** Stanzas that it has not answered, by their key, in order: sent again, marked offline, at the next login. */
	pending: Map<string, BinaryNode>
	/** until its connection ends */
	presence: 'available' | 'unavailable'
	/** whose presence it wants to be told, by chat */
	watches: Set<string>
}

export interface Violation {
	what: string
	why: string
}

export class World {
	readonly owner: Person
	readonly people = new Map<string, Person>()
	/** the owner too */
	private readonly byLid = new Map<string, Person>()
	readonly groups = new Map<string, Group>()
	readonly channels = new Map<string, Channel>()
	/** by message id */
	readonly written = new Map<string, Written>()
	readonly linked = new Map<number, LinkedDevice>()
	readonly violations: Violation[] = []
	readonly counts: Record<string, number> = {}
	/** the numbers of those whom the owner has blocked */
	readonly blocked = new Set<string>()
	readonly calls = new Map<string, Call>()
	readonly seen: Seen = { presence: 'unavailable', typing: new Map() }
	faults: Faults = {}
	nextDevice = 11
	private readonly waiters = new Set<() => void>()

	constructor() {
		this.owner = this.newPerson(OWNER_PHONE, 'Owner', 1, 'pn')
		this.byLid.set(this.owner.lid, this.owner)
	}

	addContact(phone: string, name: string, devices: number, addressing: Addressing): Person {
		const person = this.newPerson(phone, name, devices, addressing)
		this.people.set(person.phone, person)
		this.byLid.set(person.lid, person)
		return person
	}

	private newPerson(phone: string, name: string, devices: number, addressing: Addressing): Person {
		return {
			phone: `+${digits(phone)}`,
			lid: lidOf(phone),
			name,
			addressing,
			devices: Array.from({ length: devices }, (_, id) => ({
				id,
				signal: new SignalDevice(),
				retries: new Map(),
				decrypted: new Set()
			})),
			receipts: 'delivery',
			failNext: 'no',
			askLater: [],
			garbleNext: false,
			inbox: [],
			picture: undefined,
			pictureHidden: false,
			refusesGroups: false,
			about: '',
			sent: new Map()
		}
	}

	/** Finds the person whom a jid names by phone number or by LID; the owner too. */
	person(jid: string | undefined): Person | undefined {
		const address = parseJid(jid)
		if (!address) return undefined
		if (address.server === 'lid') return this.byLid.get(address.user)
		const phone = `+${address.user}`
		return phone === this.owner.phone ? this.owner : this.people.get(phone)
	}

	everybody(): Person[] {
		return [this.owner, ...this.people.values()]
	}

	/** The linked devices of somebody that others see and write to: not removed, and with keys published. */
	companions(person = this.owner): LinkedDevice[] {
		return this.devicesOf(person).filter(({ signedPreKey }) => signedPreKey)
	}

	/** What a phone lists under Linked devices. */
	devicesOf(person: Person): LinkedDevice[] {
		return [...this.linked.values()].filter(device => device.person === person && !device.removed)
	}

	members(group: Group): Person[] {
		return group.participants.flatMap(phone => this.person(phoneJid(phone)) ?? [])
	}

	addGroup(
		subject: string,
		participants: string[],
		addressing: Addressing,
		owner = OWNER_PHONE,
		withOwner = true
	): Group {
		const group: Group = {
			id: `120363${String(Date.now()).slice(-8)}${randomBytes(2).readUInt16BE(0)}`,
			subject,
			addressing,
			participants: [...(withOwner ? [OWNER_PHONE] : []), ...participants],
			owner,
			admins: new Set(),
			description: undefined,
			announce: false,
			locked: false,
			invite: randomBytes(16).toString('base64url'),
			rotating: false,
			created: Math.floor(Date.now() / 1000),
			picture: undefined,
			keysShared: new Set()
		}
		this.groups.set(group.id, group)
		return group
	}

	addChannel(name: string): Channel {
		const channel = { id: `120363${randomBytes(5).readUIntBE(0, 5)}`, name, posts: 0, inbox: [] }
		this.channels.set(channel.id, channel)
		return channel
	}

	/** Notes that a message stands in a chat. The first note counts; the kind may follow. */
	write(id: string, written: Omit<Written, 'at'>): void {
		const known = this.written.get(id)
		if (known) {
			known.kind ??= written.kind
			known.secret ??= written.secret
		} else this.written.set(id, { ...written, at: Date.now() })
		for (const oldest of this.written.keys()) {
			if (this.written.size <= KEPT) break
			this.written.delete(oldest)
		}
	}

	violate(what: string, why: string): void {
		this.violations.push({ what, why })
	}

	count(what: string): void {
		this.counts[what] = (this.counts[what] ?? 0) + 1
	}

	/** Notes what a device decrypted; a further device of the same person joins the same entry. */
	receive(person: Inbox, device: number, message: Omit<ReceivedMessage, 'index' | 'devices' | 'received_at'>): void {
		const known = person.inbox.findLast(
			({ message_id, chat, content }) =>
				message_id === message.message_id && chat === message.chat && content.kind === message.content.kind
		)
		if (known) {
			known.devices.push(device)
		} else {
			const index = (person.inbox.at(-1)?.index ?? -1) + 1
			person.inbox.push({ index, ...message, received_at: Date.now(), devices: [device] })
			if (person.inbox.length > KEPT) person.inbox.shift()
		}
		for (const wake of this.waiters) wake()
	}

	/** The messages after an index; waits, at most so many milliseconds, until there is one. */
	async messages(person: Inbox, after: number, wait: number): Promise<ReceivedMessage[]> {
		const found = () => person.inbox.filter(({ index }) => index > after)
		const deadline = Date.now() + wait
		while (!found().length && Date.now() < deadline) {
			await new Promise<void>(resolve => {
				const wake = () => {
					clearTimeout(timer)
					this.waiters.delete(wake)
					resolve()
				}
				const timer = setTimeout(wake, deadline - Date.now())
				this.waiters.add(wake)
			})
		}
		return found()
	}
}
