/** Structured logs on stderr, one JSON object a line. Never message contents, keys or numbers: only what is named here by hand. */

const LEVELS = ['debug', 'info', 'warning', 'error'] as const
export type LogLevel = (typeof LEVELS)[number]

let threshold = LEVELS.indexOf('info')

export function setLogLevel(level: LogLevel): void {
	threshold = LEVELS.indexOf(level)
}

export function log(
	level: LogLevel,
	event: string,
	fields: Record<string, string | number | boolean | null> = {}
): void {
	if (LEVELS.indexOf(level) < threshold) return
	process.stderr.write(`${JSON.stringify({ time: new Date().toISOString(), level, event, ...fields })}\n`)
}

/** What went wrong, without data: a Boom's message and code, or an error's name. */
export function describe(error: unknown): string {
	return error instanceof Error ? `${error.name}: ${error.message}`.replace(/\+?\d{6,}/g, '…') : typeof error
}

/** Baileys logs stanzas with texts and numbers: it gets a logger that keeps nothing. */
export const libraryLogger = {
	level: 'silent',
	child: () => libraryLogger,
	trace() {},
	debug() {},
	info() {},
	warn() {},
	error() {}
}
