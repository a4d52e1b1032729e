/** Why the browser gives no camera, and what to do, in plain sentences. */

/** What there is to know of the page: whether its address is secure, and where it lies. */
export interface Where {
  secure: boolean;
  host: string;
  port: string;
}

/** A page that is not secure has no camera at all: what to do, by where it was opened. */
export function insecure(where: Where): string {
  return (
    `Browsers give a camera only to secure pages, and http://${where.host} is none. On the computer that runs ` +
    `bodydouble open http://127.0.0.1:${where.port || "80"}; for other devices start it with --certificate and --key.`
  );
}

const BY_NAME: { [name: string]: string } = {
  NotAllowedError:
    "The browser may not use the camera. Allow it with the camera sign beside the address, then press the button again.",
  SecurityError: "The browser's settings forbid the camera for this page. Allow it there, then press the button again.",
  NotFoundError: "This device has no camera. Plug one in; it is found by itself.",
  OverconstrainedError: "The camera that was chosen is gone or cannot do this size. Choose another.",
  NotReadableError: "Another program has the camera. Close it there, then press the button again.",
  AbortError: "The camera did not start. Press the button again, or choose another.",
};

/** The sentence for what getUserMedia threw. */
export function reason(error: unknown): string {
  const name = error instanceof DOMException || error instanceof Error ? error.name : "";
  const known = BY_NAME[name];
  if (known) return known;
  return `The camera did not start: ${error instanceof Error ? error.message : String(error)}`;
}

/** The camera that was in use is gone. */
export const UNPLUGGED = "The camera was unplugged or switched off. Plug it in again; it starts by itself.";
/** The system or a key on the keyboard shuts the camera. */
export const MUTED = "The camera sends no pictures: it is switched off by a key, its cover or the system.";
/** The browser lacks what the page needs. */
export const TOO_OLD = "This browser is too old to send its camera. Use a newer Chrome, Edge, Firefox or Safari.";
