/**
 * The file of a received message: fetched from WhatsApp's media hosts, checked, decrypted and written as it comes, never whole in memory.
 *
 * Hosts are those that WhatsApp names: an address that a sender could choose is never called.
 */

import { createDecipheriv, createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { DEFAULT_ORIGIN, getMediaKeys, type MediaType, type proto, type WASocket } from 'baileys'
import { describe, log } from '../log.ts'
import { EngineError } from '../protocol.ts'
import type { MediaHosts } from '../media-hosts.ts'
import type { SessionStore } from '../session-store.ts'
import type { DownloadOrder } from './download-order.ts'
import { withDeadline } from '../within.ts'
import { type MediaKind, mediaOf, type MediaPart } from './media.ts'

const MAC_LENGTH = 10
const GONE: readonly number[] = [404, 410]

export interface Downloaded {
	size: number
	/** in hex */
	sha256: string
}

interface Source {
	socket: WASocket
	store: SessionStore
	hosts: MediaHosts
}

/**
 * Throws `media_not_known`, `media_too_large`, `media_gone` (also not on the sender's phone any more), `media_damaged`, and
 * `storage_full` where the disk or its quota is, `media_download_failed` where the hosts can't be reached, or not in time. What was begun is removed.
 */
export async function download(order: DownloadOrder, source: Source): Promise<Downloaded> {
	const kept = source.store.received(order.message_id)
	const media = kept && mediaOf(kept.message)
	if (!kept || !media) throw new EngineError('media_not_known', 'no file of a received message')
	if (Number(media.part.fileLength ?? 0) > order.limit) throw tooLarge()
	return withDeadline(order.timeout * 1000, async signal => {
		try {
			return await fromHosts(media.kind, media.part, order, source, signal)
		} catch (error) {
			if (!(error instanceof EngineError) || error.code !== 'media_gone') throw error
		}
		const { message } = await askAgain(kept, source.socket, signal)
		source.store.rewriteReceived(order.message_id, message)
		const found = mediaOf(message)
		if (!found) throw gone()
		return fromHosts(found.kind, found.part, order, source, signal)
	})
}

const gone = () => new EngineError('media_gone', 'WhatsApp does not have this file any more')
const tooLarge = () => new EngineError('media_too_large', 'the file is larger than allowed')
const damaged = (what: string) => new EngineError('media_damaged', what)
const failed = () => new EngineError('media_download_failed', "WhatsApp's media hosts gave nothing, or not in time")

const FULL = ['ENOSPC', 'EDQUOT', 'EFBIG']
const FILE_CALLS = ['open', 'write', 'writev', 'close']

/** Whether the fault is of our own disk: another host would not help. */
function isFileFault(error: unknown): error is NodeJS.ErrnoException {
	return error instanceof Error && 'syscall' in error && FILE_CALLS.includes(String(error.syscall))
}

/** What such a fault is for the caller. */
export function fileFault(error: NodeJS.ErrnoException): Error {
	return FULL.includes(error.code ?? '') ? new EngineError('storage_full', 'the disk is full') : error
}

/** The sender's phone puts the file there once more. */
async function askAgain(
	{ key, message }: { key: proto.IMessageKey; message: proto.IMessage },
	socket: WASocket,
	signal: AbortSignal
): Promise<{ message: proto.IMessage }> {
	const late = new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(gone()), { once: true }))
	try {
		const answered = await Promise.race([socket.updateMediaMessage({ key, message }), late])
		return { message: answered.message ?? message }
	} catch (error) {
		log('info', 'media_not_uploaded_again', { error: describe(error) })
		throw gone()
	}
}

async function fromHosts(
	kind: MediaKind,
	part: MediaPart,
	order: DownloadOrder,
	{ socket, hosts }: Source,
	signal: AbortSignal
): Promise<Downloaded> {
	if (!part.directPath?.startsWith('/')) throw gone()
	const named = await hosts.ask(socket, false)
	for (const host of named.hosts) {
		try {
			return await fetchFile(`https://${host}${part.directPath}`, kind, part, order, signal)
		} catch (error) {
			await rm(order.path, { force: true })
			if (error instanceof EngineError) throw error
			if (isFileFault(error)) throw fileFault(error)
			log('warning', 'download_failed', { error: describe(error) })
		}
	}
	throw failed()
}

async function fetchFile(
	url: string,
	kind: MediaType,
	part: MediaPart,
	{ path, limit }: DownloadOrder,
	signal: AbortSignal
): Promise<Downloaded> {
	const response = await fetch(url, { headers: { Origin: DEFAULT_ORIGIN }, redirect: 'error', signal })
	if (GONE.includes(response.status)) throw gone()
	if (!response.ok || !response.body) throw new Error(`the media host answered ${response.status}`)
	const hash = createHash('sha256')
	let size = 0
	await pipeline(
		Readable.fromWeb(response.body, { signal }),
		parts => (part.mediaKey?.length ? decrypted(parts, part.mediaKey, kind) : parts),
		async function* (parts: AsyncIterable<Buffer>) {
			for await (const plain of parts) {
				size += plain.length
				if (size > limit) throw tooLarge()
				hash.update(plain)
				yield plain
			}
		},
		createWriteStream(path, { flags: 'wx', mode: 0o600 }),
		{ signal }
	)
	const sha256 = hash.digest()
	if (part.fileSha256?.length && !sha256.equals(part.fileSha256)) throw damaged('the file has another hash')
	return { size, sha256: sha256.toString('hex') }
}

/** AES-256-CBC, and behind it ten bytes of the HMAC of vector and ciphertext. */
async function* decrypted(parts: AsyncIterable<Buffer>, mediaKey: Uint8Array, kind: MediaType): AsyncGenerator<Buffer> {
	const { cipherKey, iv, macKey } = await getMediaKeys(mediaKey, kind)
	if (!macKey) throw new EngineError('internal_error', 'no key for the MAC')
	const decipher = createDecipheriv('aes-256-cbc', cipherKey, iv)
	const mac = createHmac('sha256', macKey).update(iv)
	let rest = Buffer.alloc(0)
	for await (const part of parts) {
		const held = Buffer.concat([rest, part])
		rest = held.subarray(-MAC_LENGTH)
		const ciphertext = held.subarray(0, -MAC_LENGTH)
		mac.update(ciphertext)
		yield decipher.update(ciphertext)
	}
	if (rest.length !== MAC_LENGTH || !timingSafeEqual(mac.digest().subarray(0, MAC_LENGTH), rest))
		throw damaged('the file was changed on its way')
	yield lastBlock(() => decipher.final())
}

function lastBlock(final: () => Buffer): Buffer {
	try {
		return final()
	} catch {
		throw damaged('the file does not end as it should')
	}
}
