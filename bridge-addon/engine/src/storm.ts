/** A link that comes up and breaks again and again: to WhatsApp that looks like abuse, so it rests for a while. No input, no output. */

const WINDOW_MS = 10 * 60_000
const LOGINS = Number(process.env.ENGINE_STORM_LOGINS ?? 30)
const REST_MS = 5 * 60_000

export class Storm {
	private logins: number[] = []

	/** Notes a login, at a time in Unix milliseconds. */
	loggedIn(at: number): void {
		this.logins = [...this.logins.filter(login => Math.abs(at - login) < WINDOW_MS), at].slice(-LOGINS)
	}

	/** Milliseconds that the next try has to wait, 0 where there is no storm. After the rest it counts anew. */
	rest(at: number): number {
		const recent = this.logins.filter(login => Math.abs(at - login) < WINDOW_MS)
		if (recent.length < LOGINS) return 0
		this.logins = []
		return REST_MS
	}
}
