/** Reads the fields of a control call, each checked: what is misspelt or out of range is refused, never ignored. */

export class ControlError extends Error {
	readonly status: number
	readonly code: string
	constructor(status: number, code: string, detail: string) {
		super(detail)
		this.status = status
		this.code = code
	}
}

export type Fields = Record<string, unknown>

const wrong = (detail: string) => new ControlError(400, 'bad_request', detail)

export function refuseUnknown(fields: Fields, known: readonly string[]): void {
	const unknown = Object.keys(fields).filter(name => !known.includes(name))
	if (unknown.length) throw wrong(`unknown: ${unknown.join(', ')}`)
}

export function text(fields: Fields, name: string): string {
	const value = fields[name]
	if (typeof value !== 'string' || !value) throw wrong(`${name} is missing`)
	return value
}

export function optionalText(fields: Fields, name: string): string | undefined {
	return fields[name] === undefined ? undefined : text(fields, name)
}

export function optionalFlag(fields: Fields, name: string): boolean | undefined {
	const value = fields[name]
	if (value !== undefined && typeof value !== 'boolean') throw wrong(`${name} is true or false`)
	return value
}

export function integer(fields: Fields, name: string, least: number, most: number): number {
	const value = fields[name]
	if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most) {
		throw wrong(`${name} is a whole number from ${least} to ${most}`)
	}
	return value
}

export function decimal(fields: Fields, name: string, least: number, most: number): number {
	const value = fields[name]
	if (typeof value !== 'number' || !(value >= least && value <= most)) {
		throw wrong(`${name} is a number from ${least} to ${most}`)
	}
	return value
}

/** Unix seconds of a time in UTC. */
export function instant(fields: Fields, name: string): number {
	const milliseconds = Date.parse(text(fields, name))
	if (Number.isNaN(milliseconds)) throw wrong(`${name} is a time`)
	return Math.floor(milliseconds / 1000)
}

/** Base64. */
export function bytes(fields: Fields, name: string): Buffer {
	const value = text(fields, name)
	if (!/^[A-Za-z0-9+/]+={0,2}$/.test(value)) throw wrong(`${name} is base64`)
	return Buffer.from(value, 'base64')
}

export function optionalInteger(fields: Fields, name: string, least: number, most: number): number | undefined {
	return fields[name] === undefined ? undefined : integer(fields, name, least, most)
}

export function optionalChoice<T extends string | number>(
	fields: Fields,
	name: string,
	choices: readonly T[]
): T | undefined {
	const value = fields[name]
	if (value === undefined) return undefined
	const chosen = choices.find(choice => choice === value)
	if (chosen === undefined) throw wrong(`${name} is one of ${choices.join(', ')}`)
	return chosen
}

export function optionalFields(fields: Fields, name: string, known: readonly string[]): Fields | undefined {
	const value = fields[name]
	if (value === undefined) return undefined
	const read = fieldsOf(value)
	refuseUnknown(read, known)
	return read
}

/** An object that is looked into further on. */
export function fieldsOf(value: unknown): Fields {
	if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong('not an object')
	return value as Fields
}

export function textList(fields: Fields, name: string): string[] {
	const value = fields[name]
	if (!Array.isArray(value) || value.some(entry => typeof entry !== 'string')) throw wrong(`${name} is a list of texts`)
	return value as string[]
}

/** A number in the query string. */
export function queryNumber(query: URLSearchParams, name: string, otherwise: number): number {
	const value = Number(query.get(name) ?? otherwise)
	if (!Number.isFinite(value)) throw wrong(`${name} is a number`)
	return value
}
