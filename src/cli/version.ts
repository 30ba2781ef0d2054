/** Put in from package.json by the build and by the test configuration. */
declare const __VERSION__: string

/** The version of mqtt-kit as package.json has it. */
export const version: string = __VERSION__
