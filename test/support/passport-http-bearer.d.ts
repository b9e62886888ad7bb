/** A public Passport strategy without types of its own; what it exports is looked at by the gateway, not by tests. */
declare module 'passport-http-bearer'
