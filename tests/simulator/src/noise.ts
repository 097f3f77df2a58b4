/**
 * The server's side of WhatsApp's Noise handshake (Noise_XX_25519_AESGCM_SHA256) and of the frames after it.
 * A frame is a length of three bytes and a payload; several may come in one WebSocket message, and one in several.
 */

import { createCipheriv, createDecipheriv, createHash, hkdfSync } from 'node:crypto'
import { proto } from 'baileys'
import { calculateAgreement, calculateSignature, generateKeyPair } from 'libsignal/src/curve.js'

const MODE = 'Noise_XX_25519_AESGCM_SHA256\0\0\0\0'
const INTRO = Buffer.from([0x57, 0x41, 6, 3])
const TAG = 16

export interface KeyPair {
	publicKey: Buffer
	privateKey: Buffer
}

/** A Curve25519 key pair; the public key without libsignal's type byte. */
export function newKeyPair(): KeyPair {
	const pair = generateKeyPair()
	return { publicKey: Buffer.from(pair.pubKey.slice(1)), privateKey: Buffer.from(pair.privKey) }
}

export const typed = (publicKey: Uint8Array): Buffer => Buffer.concat([Buffer.from([5]), publicKey])
export const sharedSecret = (publicKey: Uint8Array, privateKey: Buffer): Buffer =>
	Buffer.from(calculateAgreement(typed(publicKey), privateKey))

export function sealGcm(key: Buffer, iv: Buffer, plaintext: Uint8Array, additional: Buffer): Buffer {
	const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(additional)
	return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])
}

/** Throws where the tag does not match. */
export function openGcm(key: Buffer, iv: Buffer, sealed: Uint8Array, additional: Buffer): Buffer {
	const body = sealed.subarray(0, sealed.length - TAG)
	const decipher = createDecipheriv('aes-256-gcm', key, iv)
		.setAAD(additional)
		.setAuthTag(sealed.subarray(sealed.length - TAG))
	return Buffer.concat([decipher.update(body), decipher.final()])
}

function counterIv(counter: number): Buffer {
	const iv = Buffer.alloc(12)
	iv.writeUInt32BE(counter, 8)
	return iv
}

/** The long-lived keys of the simulated server, with the certificate chain over them. */
export class ServerIdentity {
	readonly static = newKeyPair()
	readonly certificate: Buffer

	constructor() {
		const root = newKeyPair()
		const intermediate = newKeyPair()
		const { Details } = proto.CertChain.NoiseCertificate
		const now = Math.floor(Date.now() / 1000)
		const validity = { notBefore: now - 86_400, notAfter: now + 365 * 86_400 }
		const signed = (details: Uint8Array, key: KeyPair) => ({
			details,
			signature: calculateSignature(key.privateKey, Buffer.from(details))
		})
		const intermediateDetails = Details.encode({
			serial: 1,
			issuerSerial: 0,
			key: intermediate.publicKey,
			...validity
		}).finish()
		const leafDetails = Details.encode({ serial: 2, issuerSerial: 1, key: this.static.publicKey, ...validity }).finish()
		this.certificate = Buffer.from(
			proto.CertChain.encode({
				intermediate: signed(intermediateDetails, root),
				leaf: signed(leafDetails, intermediate)
			}).finish()
		)
	}
}

/** One connection's encryption: first the handshake, then transport. Feed it bytes; it gives back payloads. */
export class NoiseServer {
	private hash: Buffer = Buffer.from(MODE)
	private salt: Buffer = this.hash
	private key: Buffer = this.hash
	private counter = 0
	private received: Buffer = Buffer.alloc(0)
	private introSeen = false
	private readonly ephemeral = newKeyPair()
	private transport: { read: Buffer; write: Buffer; reads: number; writes: number } | undefined
	/** The companion's long-lived Noise key, known after the handshake. */
	clientStatic: Buffer = Buffer.alloc(0)
	private readonly identity: ServerIdentity

	constructor(identity: ServerIdentity) {
		this.identity = identity
	}

	/** Cuts received bytes into frames. Throws where the intro is not WhatsApp's. */
	frames(data: Buffer): Buffer[] {
		this.received = Buffer.concat([this.received, data])
		if (!this.introSeen && !this.takeIntro()) return []
		const frames: Buffer[] = []
		while (this.received.length >= 3) {
			const length = this.received.readUIntBE(0, 3)
			if (this.received.length < 3 + length) break
			frames.push(this.received.subarray(3, 3 + length))
			this.received = this.received.subarray(3 + length)
		}
		return frames
	}

	private takeIntro(): boolean {
		if (this.received.subarray(0, 2).toString() === 'ED') {
			if (this.received.length < 7) return false
			const end = 7 + this.received.readUIntBE(4, 3)
			if (this.received.length < end) return false
			this.received = this.received.subarray(end)
		}
		if (this.received.length < INTRO.length) return false
		if (!this.received.subarray(0, INTRO.length).equals(INTRO)) throw new Error('not a WhatsApp client: wrong intro')
		this.received = this.received.subarray(INTRO.length)
		this.introSeen = true
		this.mixHash(INTRO)
		return true
	}

	/** Answers the client's hello: the bytes of the server's hello. */
	serverHello(clientHello: Buffer): Buffer {
		const ephemeral = proto.HandshakeMessage.decode(clientHello).clientHello?.ephemeral
		if (ephemeral?.length !== 32) throw new Error('handshake: client hello without an ephemeral key')
		const clientEphemeral = Buffer.from(ephemeral)
		this.mixHash(clientEphemeral)
		this.mixHash(this.ephemeral.publicKey)
		this.mixKey(sharedSecret(clientEphemeral, this.ephemeral.privateKey))
		const staticKey = this.seal(this.identity.static.publicKey)
		this.mixKey(sharedSecret(clientEphemeral, this.identity.static.privateKey))
		const payload = this.seal(this.identity.certificate)
		return Buffer.from(
			proto.HandshakeMessage.encode({
				serverHello: { ephemeral: this.ephemeral.publicKey, static: staticKey, payload }
			}).finish()
		)
	}

	/** Takes the client's last handshake message and switches to transport: returns what the client says of itself. */
	clientFinish(message: Buffer): proto.ClientPayload {
		const finish = proto.HandshakeMessage.decode(message).clientFinish
		if (!finish?.static || !finish.payload) throw new Error('handshake: incomplete client finish')
		this.clientStatic = this.open(Buffer.from(finish.static))
		this.mixKey(sharedSecret(this.clientStatic, this.ephemeral.privateKey))
		const payload = proto.ClientPayload.decode(this.open(Buffer.from(finish.payload)))
		const [read, write] = this.derive(Buffer.alloc(0))
		this.transport = { read, write, reads: 0, writes: 0 }
		return payload
	}

	get established(): boolean {
		return this.transport !== undefined
	}

	openFrame(frame: Buffer): Buffer {
		if (!this.transport) throw new Error('frame before the handshake ended')
		return openGcm(this.transport.read, counterIv(this.transport.reads++), frame, Buffer.alloc(0))
	}

	/** Seals where transport has begun, and adds the length. */
	frame(payload: Buffer): Buffer {
		const body = this.transport
			? sealGcm(this.transport.write, counterIv(this.transport.writes++), payload, Buffer.alloc(0))
			: payload
		const framed = Buffer.alloc(3 + body.length)
		framed.writeUIntBE(body.length, 0, 3)
		body.copy(framed, 3)
		return framed
	}

	private mixHash(data: Buffer): void {
		this.hash = createHash('sha256').update(this.hash).update(data).digest()
	}

	private derive(input: Buffer): [Buffer, Buffer] {
		const keys = Buffer.from(hkdfSync('sha256', input, this.salt, '', 64))
		return [keys.subarray(0, 32), keys.subarray(32)]
	}

	private mixKey(input: Buffer): void {
		;[this.salt, this.key] = this.derive(input)
		this.counter = 0
	}

	private seal(plaintext: Buffer): Buffer {
		const sealed = sealGcm(this.key, counterIv(this.counter++), plaintext, this.hash)
		this.mixHash(sealed)
		return sealed
	}

	private open(sealed: Buffer): Buffer {
		const plaintext = openGcm(this.key, counterIv(this.counter++), sealed, this.hash)
		this.mixHash(sealed)
		return plaintext
	}
}
