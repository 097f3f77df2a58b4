/** A call of the control API, and whom and what it names. */

import { ControlError, type Fields, optionalChoice } from './control-fields.ts'
import type { WhatsAppServer } from './server.ts'
import type { Addressing, Channel, Group, Person, World } from './world.ts'

export interface Call {
	world: World
	server: WhatsAppServer
	name: string
	query: URLSearchParams
	text: string
	body: Fields
}
export type Route = (call: Call) => Promise<unknown> | unknown
export type Routes = [method: string, path: RegExp, route: Route][]

export function addressing(body: Fields): Addressing | undefined {
	return optionalChoice<Addressing>(body, 'addressing', ['pn', 'lid'])
}

export function contact(world: World, phone: string): Person {
	const person = world.people.get(phone)
	if (!person) throw new ControlError(404, 'unknown_contact', `no contact ${phone}`)
	return person
}

export function group(world: World, name: string): Group {
	const found = world.groups.get(name.replace(/^group:/, ''))
	if (!found) throw new ControlError(404, 'unknown_group', `no group ${name}`)
	return found
}

export function channel(world: World, name: string): Channel {
	const found = world.channels.get(name.replace(/^channel:/, ''))
	if (!found) throw new ControlError(404, 'unknown_channel', `no channel ${name}`)
	return found
}
