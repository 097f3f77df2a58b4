/** What the server answers instead of a result. */
export class QueryError extends Error {
	readonly code: number
	constructor(code: number, text: string) {
		super(text)
		this.code = code
	}
}
