/** What the server answers instead of a result. */
export class QueryError extends Error {
	readonly code: number
	/** seconds that the client is to leave the server alone */
	readonly backoff: number | undefined
	constructor(code: number, text: string, backoff?: number) {
		super(text)
		this.code = code
		this.backoff = backoff
	}
}
