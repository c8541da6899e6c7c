/** An environment variable that the stack sets; a missing one is a wrong deployment, and is said before the first event. */
export function required(name: string): string {
  const value = process.env[name]
  if (value === undefined || value === '')
    throw new Error(`the environment variable ${name} is not set; deploy the stack again`)
  return value
}

/** The locations that a function looks after, as the stack lists them. */
export function tablesOf(name: string): readonly string[] {
  return JSON.parse(required(name)) as readonly string[]
}
