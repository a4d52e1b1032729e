/** Sending the user's own characters and pictures to the program, and removing them. The program's word is final. */

import type { Desk } from "./desk";

/** What a file is to become. */
export type Kind = "character" | "background";

const ADDRESS: { [kind in Kind]: string } = { character: "/api/characters", background: "/api/backgrounds" };
/** What a file picker offers for each. */
export const ACCEPTED: { [kind in Kind]: string } = {
  character: ".zip,.png,application/zip,image/png",
  background: ".png,.jpg,.jpeg,.webp,image/png,image/jpeg,image/webp",
};

/** Sends files one after the other; each fault is told in words. The name of the last one taken, "" if none was. */
export async function sendFiles(desk: Desk, files: readonly File[], kind: Kind): Promise<string> {
  let taken = "";
  for (const file of files) {
    desk.sending.value = file.name;
    try {
      const address = new URL(ADDRESS[kind], location.href);
      address.searchParams.set("name", file.name);
      const answer = await fetch(address, { method: "POST", body: file, headers: { "Content-Type": typeOf(file) } });
      const words = await wordsOf(answer);
      if (answer.ok) {
        taken = words.name || file.name;
        desk.note(true, words.message || `Added ${file.name}`);
      } else desk.note(false, words.message || `${file.name} was not taken (${answer.status})`);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // what fetch throws when there is no connection
      desk.note(false, `${file.name} was not sent: there is no connection to bodydouble.`);
    } finally {
      desk.sending.value = "";
    }
  }
  return taken;
}

/** Removes one of the user's own characters or pictures. */
export async function remove(desk: Desk, name: string, kind: Kind): Promise<void> {
  const address = `${ADDRESS[kind]}/${encodeURIComponent(name)}`;
  const answer = await fetch(address, { method: "DELETE" });
  const words = await wordsOf(answer);
  desk.note(answer.ok, words.message || (answer.ok ? `Removed ${name}` : `${name} was not removed (${answer.status})`));
}

function typeOf(file: File): string {
  return file.type || (file.name.toLowerCase().endsWith(".zip") ? "application/zip" : "application/octet-stream");
}

/** The message and name in an answer, whatever its shape. */
async function wordsOf(answer: Response): Promise<{ message: string; name: string }> {
  const text = await answer.text();
  try {
    const found = JSON.parse(text) as { message?: unknown; detail?: unknown; name?: unknown };
    const message =
      typeof found.message === "string" ? found.message : typeof found.detail === "string" ? found.detail : "";
    return { message, name: typeof found.name === "string" ? found.name : "" };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return { message: text.length < 300 ? text : "", name: "" };
  }
}
