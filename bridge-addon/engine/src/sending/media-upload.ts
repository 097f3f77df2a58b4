/** Puts a file on one of WhatsApp's media hosts: three tries, each at the next host. */

import { request } from 'node:https'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { DEFAULT_ORIGIN } from 'baileys'
import { describe, log } from '../log.ts'
import { EngineError } from '../protocol.ts'
import type { MediaFile } from './media-file.ts'
import type { MediaConnection } from '../media-hosts.ts'

const TRIES = 3
const PAUSE_MS = 500
const SILENCE_MS = 30_000
const MAX_ANSWER = 64 * 1024

export interface Uploaded {
	url: string
	directPath: string
	/** a channel's post names its media by this */
	handle: string | null
}

/** Throws `media_upload_failed`, also when `signal` ends it, and `media_unreadable`. `connection` is asked anew after each failure. */
export async function upload(
	file: MediaFile,
	folder: string,
	connection: (fresh: boolean) => Promise<MediaConnection>,
	signal: AbortSignal
): Promise<Uploaded> {
	for (let attempt = 0; attempt < TRIES; attempt++) {
		const { hosts, auth } = await connection(attempt > 0)
		const host = hosts[attempt % hosts.length]
		try {
			const name = file.uploadSha256.toString('base64url')
			const query = new URLSearchParams({ auth, token: name })
			return await post(new URL(`https://${host}${folder}/${name}?${query}`), file, signal)
		} catch (error) {
			if (error instanceof EngineError) throw error
			if (signal.aborted) break
			log('warning', 'upload_failed', { attempt: attempt + 1, error: describe(error) })
			if (attempt + 1 < TRIES) await delay(PAUSE_MS * (attempt + 1), undefined, { signal }).catch(() => undefined)
		}
	}
	throw new EngineError('media_upload_failed', 'WhatsApp took the media at none of three tries, or not in time')
}

async function post(url: URL, file: MediaFile, signal: AbortSignal): Promise<Uploaded> {
	const headers = {
		'Content-Type': 'application/octet-stream',
		'Content-Length': file.uploadLength,
		Origin: DEFAULT_ORIGIN
	}
	const call = request(url, { method: 'POST', headers, signal, timeout: SILENCE_MS })
	call.on('timeout', () => call.destroy(new Error('the media host is silent')))
	const answered = new Promise<Uploaded>((resolve, reject) => {
		call.on('error', reject)
		call.on('response', response => {
			let body = ''
			response.setEncoding('utf8').on('data', (part: string) => {
				body += part
				if (body.length > MAX_ANSWER) call.destroy(new Error('the media host says too much'))
			})
			response.on('error', reject)
			response.on('end', () => {
				if (response.statusCode === 200) resolve(readAnswer(body))
				else reject(new Error(`the media host answered ${response.statusCode}`))
			})
		})
	})
	// a host that refuses answers before it has read all: its answer counts, not the broken pipe
	const [answer, written] = await Promise.allSettled([answered, pipeline(Readable.from(file.read(signal)), call)])
	if (written.status === 'rejected' && written.reason instanceof EngineError) throw written.reason
	if (answer.status === 'rejected') throw answer.reason
	return answer.value
}

function readAnswer(body: string): Uploaded {
	const { url, direct_path: directPath, handle } = JSON.parse(body) as Record<string, unknown>
	if (typeof url !== 'string' || typeof directPath !== 'string') throw new Error('the media host gave no path')
	return { url, directPath, handle: typeof handle === 'string' ? handle : null }
}
