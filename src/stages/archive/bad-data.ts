/** Something in an entry is not what it should be; the message goes on after 'entry 7 is damaged: '. */
export class BadData extends Error {}
