/**
 * Which version of WhatsApp Web we say we are. WhatsApp refuses versions that are too old (405); Baileys knows the one of its release day. The
 * present one stands in WhatsApp's own page. What was found is kept in a file, so that a start without the internet has it too.
 */

import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DEFAULT_CONNECTION_CONFIG, type WAVersion } from 'baileys'
import { describe, log } from './log.ts'

/** The service worker of WhatsApp Web, which has `"client_revision":1043857760` in it. */
const PAGE = 'https://web.whatsapp.com/sw.js'
const FILE = 'whatsapp-version.json'
const LIMIT_MS = 5_000
const MAX_PAGE = 4 * 1024 * 1024
const REVISION = /\\?"client_revision\\?":\s*(\d{6,12})\b/
const [MAJOR, MINOR, PINNED] = DEFAULT_CONNECTION_CONFIG.version

export class WhatsAppVersion {
	private revision: number
	private readonly path: string
	private readonly page: string | undefined
	private asking: Promise<boolean> | undefined

	/** Nothing is asked for where WhatsApp is played by somebody else; `ENGINE_WHATSAPP_VERSION_PAGE` is another page, for tests. */
	constructor(dataDir: string, whatsappUrl: string | null) {
		this.path = join(dataDir, FILE)
		this.page = process.env.ENGINE_WHATSAPP_VERSION_PAGE ?? (whatsappUrl ? undefined : PAGE)
		this.revision = this.kept()
	}

	get now(): WAVersion {
		return [MAJOR, MINOR, this.revision]
	}

	/** Looks what the present version is; resolves with whether it is another than before. Never rejects, and takes 5 s at most. */
	async refresh(): Promise<boolean> {
		this.asking ??= this.ask().finally(() => {
			this.asking = undefined
		})
		return this.asking
	}

	private async ask(): Promise<boolean> {
		if (!this.page) return false
		try {
			const answer = await fetch(this.page, {
				signal: AbortSignal.timeout(LIMIT_MS),
				// without these WhatsApp answers with a page for people (Baileys, Utils/generics.js)
				headers: {
					'sec-fetch-site': 'none',
					'user-agent':
						'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36'
				}
			})
			const text = await beginningOf(answer)
			const found = Number(REVISION.exec(text)?.[1])
			if (!answer.ok || !found) throw new Error(`no version in an answer ${answer.status}`)
			return this.take(found)
		} catch (error) {
			log('warning', 'whatsapp_version_unknown', { used: this.revision, error: describe(error) })
			return false
		}
	}

	/** An older one than Baileys' own is not taken: Baileys speaks what that one speaks. */
	private take(found: number): boolean {
		if (found <= this.revision) return false
		this.revision = found
		log('info', 'whatsapp_version', { revision: found })
		const draft = `${this.path}.part`
		writeFileSync(draft, JSON.stringify({ revision: found }), { mode: 0o600 })
		renameSync(draft, this.path)
		return true
	}

	private kept(): number {
		try {
			const { revision } = JSON.parse(readFileSync(this.path, 'utf8')) as { revision?: unknown }
			return Math.max(PINNED, Number.isSafeInteger(revision) ? Number(revision) : 0)
		} catch {
			// the first start, or a file that somebody damaged: it is found again
			return PINNED
		}
	}
}

async function beginningOf(answer: Response): Promise<string> {
	let text = ''
	const decoder = new TextDecoder()
	for await (const part of answer.body ?? []) {
		text += decoder.decode(part, { stream: true })
		if (text.length > MAX_PAGE) break
	}
	return text
}
