/** The picture of a person or group, fetched from WhatsApp. */

import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { WASocket } from 'baileys'
import { refusalCode } from '../failures.ts'
import { describe, log } from '../log.ts'
import { EngineError } from '../protocol.ts'

/** WhatsApp's own are below 1 MiB. */
const MOST_BYTES = 8 * 1024 * 1024
const LIMIT_MS = 30_000
/** WhatsApp's codes: there is none, or it is hidden from us */
const NOT_SHOWN: readonly unknown[] = [404, 401, 403]

export interface Picture {
	/** bytes */
	size: number
	/** another one where the picture is another one */
	picture_id: string
}

/** Makes the file `path`. Throws `picture_not_available`, `media_download_failed`; what was begun is removed. */
export async function downloadPicture(jid: string, path: string, preview: boolean, socket: WASocket): Promise<Picture> {
	const url = await pictureUrl(jid, preview, socket)
	const hash = createHash('sha256')
	let size = 0
	try {
		const response = await fetch(url, { signal: AbortSignal.timeout(LIMIT_MS), redirect: 'error' })
		if (!response.ok || !response.body) throw new Error(`answered with ${response.status}`)
		const counted = async function* (parts: AsyncIterable<Uint8Array>) {
			for await (const part of parts) {
				size += part.length
				if (size > MOST_BYTES) throw new Error('larger than a picture is')
				hash.update(part)
				yield part
			}
		}
		await pipeline(Readable.fromWeb(response.body), counted, createWriteStream(path, { flags: 'wx', mode: 0o600 }))
	} catch (error) {
		await rm(path, { force: true })
		log('warning', 'picture_not_fetched', { error: describe(error) })
		throw new EngineError('media_download_failed', "WhatsApp's hosts did not give the picture")
	}
	return { size, picture_id: hash.digest('hex') }
}

async function pictureUrl(jid: string, preview: boolean, socket: WASocket): Promise<string> {
	try {
		const url = await socket.profilePictureUrl(jid, preview ? 'preview' : 'image')
		if (url) return url
	} catch (error) {
		if (!NOT_SHOWN.includes(refusalCode(error))) throw error
	}
	throw new EngineError('picture_not_available', 'no picture is shown to us')
}
