/** Readers of single values from the border. Each returns what it read, typed, or throws `invalid_params` and names the field. */

import { invalid } from './parameters.ts'

export type Reader<T> = (value: unknown, name: string) => T
export type ReadBy<R> = R extends Reader<infer T> ? T : never

export const text =
	(least = 0, most = 65_536): Reader<string> =>
	(value, name) =>
		typeof value === 'string' && value.length >= least && value.length <= most
			? value
			: invalid(`${name} is a text of ${least} to ${most} characters`)

export const matching =
	(pattern: RegExp): Reader<string> =>
	(value, name) =>
		typeof value === 'string' && pattern.test(value) ? value : invalid(`${name} has the wrong form`)

export const choice =
	<const T extends string>(choices: readonly T[]): Reader<T> =>
	(value, name) =>
		choices.find(one => one === value) ?? invalid(`${name} is one of ${choices.join(', ')}`)

export const number =
	(least: number, most: number): Reader<number> =>
	(value, name) =>
		typeof value === 'number' && value >= least && value <= most
			? value
			: invalid(`${name} is a number from ${least} to ${most}`)

export const whole =
	(least: number, most: number): Reader<number> =>
	(value, name) =>
		Number.isInteger(number(least, most)(value, name)) ? Number(value) : invalid(`${name} is a whole number`)

/** Unix milliseconds. */
export const time: Reader<number> = (value, name) => {
	const milliseconds = typeof value === 'string' && /T.*Z$/.test(value) ? Date.parse(value) : NaN
	return Number.isNaN(milliseconds) ? invalid(`${name} is a time in UTC`) : milliseconds
}

/** Left out or null is false. */
export const flag: Reader<boolean> = (value, name) => {
	if (value === undefined || value === null) return false
	return typeof value === 'boolean' ? value : invalid(`${name} is true or false`)
}

export const bool: Reader<boolean> = (value, name) =>
	typeof value === 'boolean' ? value : invalid(`${name} is true or false`)

/** Left out or null is undefined. */
export const optional =
	<T>(read: Reader<T>): Reader<T | undefined> =>
	(value, name) =>
		value === undefined || value === null ? undefined : read(value, name)

/** Left out is null. */
export const nullable =
	<T>(read: Reader<T>): Reader<T | null> =>
	(value, name) =>
		value === undefined || value === null ? null : read(value, name)

/** Base64 of bytes that hold to a condition. */
export const bytes =
	(right: (bytes: Buffer) => boolean): Reader<Buffer> =>
	(value, name) => {
		if (typeof value !== 'string' || !/^[A-Za-z0-9+/]+={0,2}$/.test(value)) invalid(`${name} is base64`)
		const decoded = Buffer.from(value, 'base64')
		return right(decoded) ? decoded : invalid(`${name} holds the wrong bytes`)
	}

export const list =
	<T>(read: Reader<T>, least: number, most: number): Reader<T[]> =>
	(value, name) =>
		Array.isArray(value) && value.length >= least && value.length <= most
			? value.map(entry => read(entry, name))
			: invalid(`${name} is a list of ${least} to ${most}`)

/** Left out or null is an empty list. */
export const optionalList =
	<T>(read: Reader<T>, most: number): Reader<T[]> =>
	(value, name) =>
		nullable(list(read, 0, most))(value, name) ?? []

export const record =
	<R extends Record<string, Reader<unknown>>>(readers: R): Reader<{ [K in keyof R]: ReadBy<R[K]> }> =>
	(value, name) => {
		if (typeof value !== 'object' || value === null || Array.isArray(value)) invalid(`${name} is an object`)
		const fields = new Map(Object.entries(value))
		for (const field of fields.keys()) if (!Object.hasOwn(readers, field)) invalid(`${name} has no field ${field}`)
		const read = Object.entries(readers).map(([field, reader]) => [field, reader(fields.get(field), field)])
		return Object.fromEntries(read) as { [K in keyof R]: ReadBy<R[K]> }
	}
