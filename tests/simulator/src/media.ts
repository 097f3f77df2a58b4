/**
 * WhatsApp's media host, over TLS with a throwaway certificate authority, and the media encryption:
 * HKDF("WhatsApp … Keys") gives iv, key and MAC key; what is stored is AES-CBC ciphertext and ten bytes of its HMAC.
 */

import { createCipheriv, createDecipheriv, createHash, createHmac, hkdfSync, randomBytes } from 'node:crypto'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { proto } from 'baileys'
import { generate } from 'selfsigned'
import type { World } from './world.ts'

const MAC_LENGTH = 10
const UPLOAD_LIMIT = 256 * 1024 * 1024

export type MediaKind = 'Image' | 'Document'

interface MediaReference {
	url?: string | null
	directPath?: string | null
	mediaKey?: Uint8Array | null
	fileSha256?: Uint8Array | null
	fileEncSha256?: Uint8Array | null
	fileLength?: number | { toNumber(): number } | null
}

const sha256 = (data: Uint8Array): Buffer => createHash('sha256').update(data).digest()

function mediaKeys(kind: MediaKind, mediaKey: Uint8Array) {
	const keys = Buffer.from(hkdfSync('sha256', mediaKey, '', `WhatsApp ${kind} Keys`, 112))
	return { iv: keys.subarray(0, 16), cipherKey: keys.subarray(16, 48), macKey: keys.subarray(48, 80) }
}

export class MediaStore {
	readonly files = new Map<string, Buffer>()
	certificate = ''
	private server: Server = createServer()
	private readonly world: World

	constructor(world: World) {
		this.world = world
	}

	async start(port: number): Promise<void> {
		const pem = await generate([{ name: 'commonName', value: 'WhatsApp simulator' }], {
			algorithm: 'sha256',
			keySize: 2048,
			extensions: [
				{ name: 'basicConstraints', cA: true },
				{
					name: 'subjectAltName',
					altNames: [
						{ type: 7, ip: '127.0.0.1' },
						{ type: 2, value: 'localhost' }
					]
				}
			]
		})
		this.certificate = pem.cert
		this.server = createServer({ key: pem.private, cert: pem.cert }, (request, response) => {
			const url = new URL(request.url ?? '/', 'https://host')
			if (request.method === 'GET') {
				const file = this.files.get(url.pathname)
				response.writeHead(file ? 200 : 404).end(file)
				return
			}
			const parts: Buffer[] = []
			let length = 0
			request.on('data', (part: Buffer) => {
				length += part.length
				if (length > UPLOAD_LIMIT) request.destroy()
				else parts.push(part)
			})
			request.on('end', () => {
				const body = Buffer.concat(parts)
				const name = url.pathname.split('/').at(-1) ?? ''
				if (
					sha256(body).toString('base64url') !== name.replace(/=+$/, '') ||
					url.searchParams.get('auth') !== 'sim-auth'
				) {
					this.world.violate('upload', 'the name is not the hash of the content, or no auth')
					response.writeHead(400).end()
					return
				}
				const path = this.keep(body)
				response.writeHead(200, { 'content-type': 'application/json' })
				response.end(JSON.stringify({ url: `https://${this.host}${path}`, direct_path: path }))
			})
		})
		await new Promise<void>(resolve => this.server.listen(port, '127.0.0.1', resolve))
	}

	get host(): string {
		return `127.0.0.1:${(this.server.address() as AddressInfo).port}`
	}

	private keep(body: Buffer): string {
		const path = `/v/t62.7118-24/${sha256(body).toString('hex')}`
		this.files.set(path, body)
		return path
	}

	/** Encrypts bytes as a phone does and puts them on the host. */
	seal(
		kind: MediaKind,
		plain: Buffer
	): Required<
		Pick<proto.Message.IImageMessage, 'url' | 'directPath' | 'mediaKey' | 'fileSha256' | 'fileEncSha256' | 'fileLength'>
	> {
		const mediaKey = randomBytes(32)
		const { iv, cipherKey, macKey } = mediaKeys(kind, mediaKey)
		const cipher = createCipheriv('aes-256-cbc', cipherKey, iv)
		const ciphertext = Buffer.concat([cipher.update(plain), cipher.final()])
		const mac = createHmac('sha256', macKey).update(iv).update(ciphertext).digest().subarray(0, MAC_LENGTH)
		const body = Buffer.concat([ciphertext, mac])
		const directPath = this.keep(body)
		return {
			url: `https://${this.host}${directPath}`,
			directPath,
			mediaKey,
			fileSha256: sha256(plain),
			fileEncSha256: sha256(body),
			fileLength: plain.length
		}
	}

	async stop(): Promise<void> {
		this.server.closeAllConnections()
		await new Promise(resolve => this.server.close(resolve))
	}
}

/** Fetches and decrypts what a message refers to: the SHA-256 of the plain bytes, in hex. Throws where anything does not fit. */
export function openMedia(store: MediaStore, kind: MediaKind, media: MediaReference): string {
	const body = store.files.get(media.directPath ?? '')
	if (!body) throw new Error('nothing was uploaded under this path')
	if (!sha256(body).equals(Buffer.from(media.fileEncSha256 ?? []))) throw new Error('another hash of the ciphertext')
	const { iv, cipherKey, macKey } = mediaKeys(kind, media.mediaKey ?? new Uint8Array())
	const ciphertext = body.subarray(0, -MAC_LENGTH)
	const mac = createHmac('sha256', macKey).update(iv).update(ciphertext).digest().subarray(0, MAC_LENGTH)
	if (!mac.equals(body.subarray(-MAC_LENGTH))) throw new Error('wrong MAC')
	const decipher = createDecipheriv('aes-256-cbc', cipherKey, iv)
	const plain = Buffer.concat([decipher.update(ciphertext), decipher.final()])
	if (Number(media.fileLength ?? -1) !== plain.length) throw new Error('another length of the content')
	const hash = sha256(plain)
	if (!hash.equals(Buffer.from(media.fileSha256 ?? []))) throw new Error('another hash of the content')
	return hash.toString('hex')
}
