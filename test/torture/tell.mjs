/** Sends a message to a process that may be killed at this moment: then the message is lost, and nothing fails. */
export function tell (child, message) {
  // Without a callback the child emits an error.
  if (child.connected) child.send(message, () => {})
}
