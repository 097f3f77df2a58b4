/**
 * WhatsApp's media host, over TLS with a throwaway certificate authority, and the media encryption:
 * HKDF("WhatsApp … Keys") gives iv, key and MAC key; what is stored is AES-CBC ciphertext and ten bytes of its HMAC.
 */

import { createCipheriv, createDecipheriv, createHash, createHmac, hkdfSync, randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { generate } from 'selfsigned'
import type { World } from './world.ts'

const MAC_LENGTH = 10
const HEAD_LENGTH = 64
/** decrypted at once, so that a large file is not in memory a second time */
const SLICE = 1024 * 1024
const UPLOAD_LIMIT = 256 * 1024 * 1024

export type MediaKind = 'Image' | 'Video' | 'Audio' | 'Document'

/** What a phone learns when it fetches and decrypts a file. */
export interface OpenedMedia {
	/** in hex */
	sha256: string
	size: number
	/** how it begins: enough to know what it is */
	head: Buffer
	/** the media host's folder that it was uploaded to */
	folder: string
}

export interface MediaReference {
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

/** What a message says of a file on the host. */
export interface SealedMedia {
	url: string
	directPath: string
	mediaKey: Buffer
	fileSha256: Buffer
	fileEncSha256: Buffer
	fileLength: number
}

export class MediaStore {
	readonly files = new Map<string, Buffer>()
	/** by path: where a linked device put it, and the name that a channel's post calls it by */
	readonly uploads = new Map<string, { folder: string; handle: string }>()
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
			this.take(request, response, url)
		})
		await new Promise<void>(resolve => this.server.listen(port, '127.0.0.1', resolve))
	}

	get host(): string {
		return `127.0.0.1:${(this.server.address() as AddressInfo).port}`
	}

	private take(request: IncomingMessage, response: ServerResponse, url: URL): void {
		const { faults } = this.world
		this.world.count(`uploads to ${request.headers.host?.split(':')[0]}`)
		if (faults.upload_failures) {
			faults.upload_failures--
			response.writeHead(503).end()
			return
		}
		const length = Number(request.headers['content-length'])
		if (!(length > 0 && length <= UPLOAD_LIMIT)) {
			this.world.violate('upload', 'no length, or too much')
			response.writeHead(411).end()
			return
		}
		const body = Buffer.allocUnsafe(length)
		let taken = 0
		request.on('data', (part: Buffer) => {
			taken += part.copy(body, taken)
		})
		request.on('end', () => {
			const [, folder, name] = /^(.+)\/([^/]+)$/.exec(url.pathname) ?? []
			const hash = sha256(body).toString('base64url')
			const { searchParams: query } = url
			if (
				taken !== length ||
				name?.replace(/=+$/, '') !== hash ||
				query.get('auth') !== 'sim-auth' ||
				!query.get('token')
			) {
				this.world.violate('upload', 'the name is not the hash of the content, or no auth')
				response.writeHead(400).end()
				return
			}
			const path = this.keep(body)
			const handle = randomBytes(12).toString('base64url')
			this.uploads.set(path, { folder: folder ?? '', handle })
			const answer = { url: `https://${this.host}${path}`, direct_path: path, handle }
			setTimeout(() => {
				response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
			}, faults.upload_delay_ms ?? 0)
		})
	}

	/** Puts a file on the host under a path of its own. */
	keep(body: Buffer): string {
		const path = `/v/t62.7118-24/${sha256(body).toString('hex')}-${randomBytes(4).toString('hex')}`
		this.files.set(path, body)
		return path
	}

	/** Encrypts bytes as a phone does and puts them on the host. */
	seal(kind: MediaKind, plain: Buffer): SealedMedia {
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

	/** Puts bytes on the host as they are, as for a channel. */
	publish(plain: Buffer): SealedMedia {
		const directPath = this.keep(plain)
		const hash = sha256(plain)
		const url = `https://${this.host}${directPath}`
		return {
			url,
			directPath,
			mediaKey: Buffer.alloc(0),
			fileSha256: hash,
			fileEncSha256: hash,
			fileLength: plain.length
		}
	}

	async stop(): Promise<void> {
		this.server.closeAllConnections()
		await new Promise(resolve => this.server.close(resolve))
	}
}

/** Fetches and decrypts what a message refers to. Throws where anything does not fit. */
export function openMedia(store: MediaStore, kind: MediaKind, media: MediaReference): OpenedMedia {
	const body = fetched(store, media)
	if (!sha256(body).equals(Buffer.from(media.fileEncSha256 ?? []))) throw new Error('another hash of the ciphertext')
	if (media.mediaKey?.length !== 32) throw new Error('a media key that is not of 32 bytes')
	const { iv, cipherKey, macKey } = mediaKeys(kind, media.mediaKey)
	const ciphertext = body.subarray(0, -MAC_LENGTH)
	const mac = createHmac('sha256', macKey).update(iv).update(ciphertext).digest().subarray(0, MAC_LENGTH)
	if (!mac.equals(body.subarray(-MAC_LENGTH))) throw new Error('wrong MAC')
	const decipher = createDecipheriv('aes-256-cbc', cipherKey, iv)
	const parts = function* () {
		for (let at = 0; at < ciphertext.length; at += SLICE) yield decipher.update(ciphertext.subarray(at, at + SLICE))
		yield decipher.final()
	}
	return { ...described(parts(), media), folder: store.uploads.get(media.directPath ?? '')?.folder ?? '' }
}

/** What a channel's post refers to, which is not encrypted. */
export function openPlainMedia(store: MediaStore, media: MediaReference): OpenedMedia {
	if (media.mediaKey?.length) throw new Error("a key for a channel's media")
	const opened = described([fetched(store, media)], media)
	return { ...opened, folder: store.uploads.get(media.directPath ?? '')?.folder ?? '' }
}

function fetched(store: MediaStore, media: MediaReference): Buffer {
	const body = store.files.get(media.directPath ?? '')
	if (!body) throw new Error('nothing was uploaded under this path')
	if (media.url !== `https://${store.host}${media.directPath}`) throw new Error('address and path differ')
	return body
}

function described(parts: Iterable<Buffer>, media: MediaReference): Omit<OpenedMedia, 'folder'> {
	const hash = createHash('sha256')
	let head = Buffer.alloc(0)
	let size = 0
	for (const part of parts) {
		if (head.length < HEAD_LENGTH) head = Buffer.concat([head, part.subarray(0, HEAD_LENGTH - head.length)])
		hash.update(part)
		size += part.length
	}
	if (Number(media.fileLength ?? -1) !== size) throw new Error('another length of the content')
	const digest = hash.digest()
	if (!digest.equals(Buffer.from(media.fileSha256 ?? []))) throw new Error('another hash of the content')
	return { sha256: digest.toString('hex'), size, head }
}
