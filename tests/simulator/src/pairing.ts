/** Linking a companion: by QR code and by pairing code, as the owner's phone and the server play it. */

import { createCipheriv, createDecipheriv, createHmac, hkdfSync, pbkdf2Sync, randomBytes } from 'node:crypto'
import { proto } from 'baileys'
import { verifySignature } from 'libsignal/src/curve.js'
import { lidJid, phoneJid } from './addresses.ts'
import type { Link } from './link.ts'
import { type BinaryNode, child, childBytes, node, SERVER, seconds } from './nodes.ts'
import { newKeyPair, openGcm, sharedSecret, typed } from './noise.ts'
import { PasskeyGate } from './passkey.ts'
import type { LinkedDevice, Person, PersonDevice, World } from './world.ts'

const REFS = 6
/**
 * How long the client shows a ref (WhatsApp Web: 60 s, then 20 s each), and how much later the server still takes it.
 * A client may turn to the next one sooner, so a ref has an end, but no beginning.
 */
const FIRST_REF_MS = 60_000
const NEXT_REF_MS = 20_000
const REF_GRACE_MS = 10_000
/** The companion answers pair-success or the code within this time, or is cut off. */
const ANSWER_LIMIT_MS = 15_000
/** A phone has at most so many linked devices. */
const DEVICE_LIMIT = 4
const CODE_ITERATIONS = 131_072
const STOCK_DISPLAYS = /^(Chrome|Firefox|Edge|Safari|Opera) \((Mac OS|Windows|Linux|Ubuntu)\)$/

export class PairingRefusedError extends Error {
	readonly code: string
	constructor(code: string, detail: string) {
		super(detail)
		this.code = code
	}
}

/** A client that asked to be linked. */
export class PairingAttempt {
	readonly link: Link
	private readonly world: World
	private readonly registration: proto.ClientPayload.IDevicePairingRegistrationData
	private readonly refs: { ref: string; until: number }[] = []
	private readonly gone = Promise.withResolvers<never>()
	private success:
		| { id: string; device: LinkedDevice; accepted: (device: number) => void; refused: (error: Error) => void }
		| undefined
	/** where WhatsApp asks for a passkey */
	gate: PasskeyGate | undefined
	private code: { person: Person; wrapped: Buffer; ref: string; finish?: (keyBundle: Buffer) => void } | undefined

	constructor(link: Link, world: World, registration: proto.ClientPayload.IDevicePairingRegistrationData) {
		this.link = link
		this.world = world
		this.registration = registration
		this.gone.promise.catch(() => undefined)
		this.checkRegistration()
	}

	/** The client has closed the connection: whoever waits for its answer is told. */
	closed(): void {
		this.gone.reject(new PairingRefusedError('connection_lost', 'the companion left without an answer'))
	}

	private async inTime<T>(answer: Promise<T>): Promise<T> {
		const timer = setTimeout(() => this.link.drop(), ANSWER_LIMIT_MS)
		return Promise.race([answer, this.gone.promise]).finally(() => clearTimeout(timer))
	}

	private checkRegistration(): void {
		const { eIdent, eSkeyVal, eSkeySig } = this.registration
		if (eIdent?.length !== 32 || !eSkeyVal || !eSkeySig) throw new Error('registration without keys')
		if (!verifySignature(typed(eIdent), typed(eSkeyVal), Buffer.from(eSkeySig))) {
			throw new Error('registration: the signed pre-key is not signed by the identity key')
		}
	}

	/** Hands out the refs for the QR codes. */
	offerRefs(): void {
		const now = Date.now()
		const count = this.world.faults.qr_refs ?? REFS
		for (let index = 0; index < count; index++) {
			const until = now + FIRST_REF_MS + index * NEXT_REF_MS + REF_GRACE_MS
			this.refs.push({ ref: `2@${randomBytes(32).toString('base64')}`, until })
		}
		const refNodes = this.refs.map(({ ref }) => node('ref', {}, Buffer.from(ref)))
		this.link.send(
			node('iq', { from: SERVER, type: 'set', xmlns: 'md', id: this.link.id() }, [node('pair-device', {}, refNodes)])
		)
	}

	/**
	 * Somebody's phone scans a code: its four keys must be those of this connection, its ref one that is still taken.
	 * Resolves with the device's number when the companion's signature came back and holds; with undefined where a passkey is asked for first.
	 */
	async scan(qr: string, person: Person): Promise<number | undefined> {
		const [ref, noiseKey, identity, secret, platform] = qr
			.replace(/^https:\/\/wa\.me\/settings\/linked_devices#/, '')
			.split(',')
		if (!ref || !noiseKey || !identity || !secret || platform === undefined) {
			throw new PairingRefusedError('invalid_qr', 'not a linking code: five fields are expected')
		}
		const known = this.refs.find(offered => offered.ref === ref)
		if (!known || Date.now() > known.until) throw new PairingRefusedError('stale_qr', 'this code is not valid any more')
		const own = Buffer.from(this.registration.eIdent ?? [])
		if (
			!Buffer.from(noiseKey, 'base64').equals(this.link.clientNoiseKey) ||
			!Buffer.from(identity, 'base64').equals(own)
		) {
			throw new PairingRefusedError('invalid_qr', 'the keys in the code are not those of the connection')
		}
		this.refuseBeyondLimit(person)
		if (this.world.faults.refresh_after_scan) {
			this.world.faults.refresh_after_scan = false
			this.refreshSecret()
			throw new PairingRefusedError('secret_retired', 'could not link the device: its secret was renewed meanwhile')
		}
		const scanned = Buffer.from(secret, 'base64')
		if (this.world.faults.passkey) {
			this.askForPasskey(scanned, person)
			return undefined
		}
		return this.succeed(scanned, person)
	}

	private refuseBeyondLimit(person: Person): void {
		if (this.world.faults.device_limit || this.world.devicesOf(person).length >= DEVICE_LIMIT)
			throw new PairingRefusedError('device_limit', 'four devices are linked already')
	}

	/** The secret in the code that is shown is retired: the companion must show a new one. */
	refreshSecret(): void {
		const attrs = { from: SERVER, type: 'companion_reg_refresh', id: this.link.id(), t: seconds() }
		this.link.send(node('notification', attrs, [node('companion_reg_refresh')]))
	}

	private askForPasskey(secret: Buffer | undefined, person: Person): void {
		const keys = {
			secret,
			noiseKey: this.link.clientNoiseKey,
			identityKey: Buffer.from(this.registration.eIdent ?? [])
		}
		this.gate = new PasskeyGate(this.link, this.world, keys, renewed => {
			this.succeed(renewed, person).catch((error: unknown) => this.world.violate('passkey', String(error)))
		})
		this.gate.ask()
	}

	/** Sends pair-success; resolves when the companion has signed. */
	private succeed(advSecret: Buffer, person: Person): Promise<number> {
		const phone = phoneOf(person)
		const props = proto.DeviceProps.decode(this.registration.deviceProps ?? new Uint8Array())
		const id = this.world.nextDevice++
		const identity = Buffer.from(this.registration.eIdent ?? [])
		const details = Buffer.from(
			proto.ADVDeviceIdentity.encode({ rawId: id, timestamp: Math.floor(Date.now() / 1000), keyIndex: id }).finish()
		)
		const signed = proto.ADVSignedDeviceIdentity.encode({
			details,
			accountSignatureKey: phone.signal.identityKey,
			accountSignature: phone.signal.sign(Buffer.concat([Buffer.from([6, 0]), details, identity]))
		}).finish()
		const sealed = proto.ADVSignedDeviceIdentityHMAC.encode({
			details: signed,
			hmac: createHmac('sha256', this.world.faults.retired_secret ? randomBytes(32) : advSecret)
				.update(signed)
				.digest()
		}).finish()
		const device: LinkedDevice = {
			id,
			person,
			name: props.os ?? '',
			platform: String(props.platformType),
			identity,
			noiseKey: this.link.clientNoiseKey,
			registrationId: Buffer.from(this.registration.eRegid ?? []).readUInt32BE(0),
			preKeys: [],
			details,
			removed: false,
			greeted: false,
			pending: new Map(),
			presence: 'unavailable',
			watches: new Set()
		}
		const stanzaId = this.link.id()
		const done = new Promise<number>((accepted, refused) => {
			this.success = { id: stanzaId, device, accepted, refused }
		})
		this.link.send(
			node('iq', { from: SERVER, type: 'set', xmlns: 'md', id: stanzaId, t: seconds() }, [
				node('pair-success', {}, [
					node('device-identity', {}, Buffer.from(sealed)),
					node('device', { jid: phoneJid(person.phone, id), lid: lidJid(person.lid, id) }),
					node('platform', { name: 'android' })
				])
			])
		)
		return this.inTime(done)
	}

	/** Whether a stanza is the companion's signature; then it is checked, and the client is told to log in (515). */
	takeSignature(stanza: BinaryNode): boolean {
		if (!this.success || stanza.attrs.id !== this.success.id) return false
		const { device, accepted, refused } = this.success
		if (stanza.attrs.type === 'error') {
			this.success = undefined
			refused(new PairingRefusedError('companion_refused', 'the companion does not want to be linked to this phone'))
			return true
		}
		const signNode = child(stanza, 'pair-device-sign')
		const identity = proto.ADVSignedDeviceIdentity.decode(childBytes(signNode, 'device-identity'))
		const message = Buffer.concat([
			Buffer.from([6, 1]),
			device.details,
			device.identity,
			phoneOf(device.person).signal.identityKey
		])
		const signature = Buffer.from(identity.deviceSignature ?? [])
		if (signature.length !== 64 || !verifySignature(typed(device.identity), message, signature)) {
			this.world.violate('pair-device-sign', 'the device signature does not hold')
			refused(new PairingRefusedError('invalid_qr', 'the companion did not sign'))
			this.link.drop()
			return true
		}
		this.world.linked.set(device.id, device)
		this.link.streamError(515)
		accepted(device.id)
		return true
	}

	// pairing code

	/** Answers `link_code_companion_reg`; returns the children of the result, or an error code. */
	takeLinkCode(request: BinaryNode): BinaryNode[] | number {
		if (request.attrs.stage === 'companion_hello') {
			const display = childBytes(request, 'companion_platform_display').toString()
			if (!STOCK_DISPLAYS.test(display)) return 400
			const person = this.world.person(request.attrs.jid)
			if (!person) return 400
			if (this.world.faults.pairing_code_error) return this.world.faults.pairing_code_error
			const ref = randomBytes(16).toString('base64')
			const wrapped = childBytes(request, 'link_code_pairing_wrapped_companion_ephemeral_pub')
			this.code = { person, wrapped, ref }
			return [
				node('link_code_companion_reg', { stage: 'companion_hello' }, [
					node('link_code_pairing_ref', {}, Buffer.from(ref))
				])
			]
		}
		if (request.attrs.stage === 'companion_finish') {
			const bundle = childBytes(request, 'link_code_pairing_wrapped_key_bundle')
			setImmediate(() => this.code?.finish?.(bundle))
			return []
		}
		return 400
	}

	/** Somebody types the code: the phone proves that it knows it, and takes the companion's key bundle. */
	async enterCode(code: string, person: Person): Promise<number | undefined> {
		const asked = this.code
		if (asked?.person !== person)
			throw new PairingRefusedError('no_code_requested', 'no companion asked for a code for this number')
		this.refuseBeyondLimit(person)
		const phone = phoneOf(person)
		if (this.world.faults.passkey) {
			// as WhatsApp does: the phone's half is missing, since a passkey comes first
			const attrs = { from: SERVER, type: 'link_code_companion_reg', id: this.link.id(), t: seconds() }
			const ref = node('link_code_pairing_ref', {}, Buffer.from(asked.ref))
			this.link.send(node('notification', attrs, [node('link_code_companion_reg', { stage: 'primary_hello' }, [ref])]))
			this.askForPasskey(undefined, person)
			return undefined
		}
		const companion = unwrap(code, asked.wrapped)
		const own = newKeyPair()
		const bundle = new Promise<Buffer>(resolve => {
			asked.finish = resolve
		})
		this.link.send(
			node('notification', { from: SERVER, type: 'link_code_companion_reg', id: this.link.id(), t: seconds() }, [
				node('link_code_companion_reg', { stage: 'primary_hello' }, [
					node('link_code_pairing_wrapped_primary_ephemeral_pub', {}, wrap(code, own.publicKey)),
					node('primary_identity_pub', {}, phone.signal.identityKey),
					node('link_code_pairing_ref', {}, Buffer.from(asked.ref))
				])
			])
		)
		const sealed = await this.inTime(bundle)
		const ephemeralSecret = sharedSecret(companion, own.privateKey)
		const key = derive(ephemeralSecret, sealed.subarray(0, 32), 'link_code_pairing_key_bundle_encryption_key')
		let opened: Buffer
		try {
			opened = openGcm(key, sealed.subarray(32, 44), sealed.subarray(44), Buffer.alloc(0))
		} catch {
			throw new PairingRefusedError('wrong_code', 'the code does not fit')
		}
		const [companionIdentity, primaryIdentity, random] = [
			opened.subarray(0, 32),
			opened.subarray(32, 64),
			opened.subarray(64)
		]
		if (!primaryIdentity.equals(phone.signal.identityKey))
			throw new PairingRefusedError('wrong_code', 'another phone was meant')
		const identitySecret = sharedSecret(companionIdentity, phone.signal.getOurIdentity().privKey)
		const secret = derive(Buffer.concat([ephemeralSecret, identitySecret, random]), Buffer.alloc(0), 'adv_secret')
		return this.succeed(secret, person)
	}
}

function phoneOf({ devices: [phone] }: Person): PersonDevice {
	if (!phone) throw new Error('somebody without a phone')
	return phone
}

const derive = (input: Buffer, salt: Buffer, info: string): Buffer =>
	Buffer.from(hkdfSync('sha256', input, salt, info, 32))
const codeKey = (code: string, salt: Buffer): Buffer => pbkdf2Sync(code, salt, CODE_ITERATIONS, 32, 'sha256')

function wrap(code: string, publicKey: Buffer): Buffer {
	const [salt, iv] = [randomBytes(32), randomBytes(16)]
	const cipher = createCipheriv('aes-256-ctr', codeKey(code, salt), iv)
	return Buffer.concat([salt, iv, cipher.update(publicKey), cipher.final()])
}

function unwrap(code: string, wrapped: Buffer): Buffer {
	const decipher = createDecipheriv('aes-256-ctr', codeKey(code, wrapped.subarray(0, 32)), wrapped.subarray(32, 48))
	return Buffer.concat([decipher.update(wrapped.subarray(48)), decipher.final()])
}
