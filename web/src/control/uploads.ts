/** Sending the user's own characters and pictures to the program, and removing them. The program's word is final. */

import type { Desk } from "./desk";

/** What files are to become. */
export type Kind = "character" | "background";

const ADDRESS: { [kind in Kind]: string } = { character: "/api/characters", background: "/api/backgrounds" };
/** What a file picker offers for each: a character is a zip of its folder, or the folder's files. */
export const ACCEPTED: { [kind in Kind]: string } = {
  character: ".zip,.toml,.yaml,.yml,.txt,.svg,.png,.jpg,.jpeg",
  background: "image/*",
};

/** A file with its path within the folder that it came in. */
export interface Sent {
  path: string;
  file: File;
}

/** What one request each has to hold: every zip and every picture alone, all other files together as one character. */
export function parcels(files: readonly Sent[], kind: Kind): Sent[][] {
  if (kind === "background") return files.map((one) => [one]);
  const zips = files.filter((one) => one.path.toLowerCase().endsWith(".zip"));
  const others = files.filter((one) => !zips.includes(one));
  return [...zips.map((one) => [one]), ...(others.length > 0 ? [others] : [])];
}

/** What a character consists of, in words; the files that tell one. */
export const NEEDED = [
  "a drawing: texture.png, mask.png (white where it is), char_cfg.yaml (its joints)",
  "or a puppet: puppet.toml (its joints) and its parts' pictures",
  "as one zip or all at once; docs/puppets.md shows how",
] as const;
const TELLING = ["puppet.toml", "char_cfg.yaml"];

/** Whether a parcel can be a character: a zip may, files must have one that tells the joints. */
export function mayBeCharacter(parcel: readonly Sent[]): boolean {
  const names = parcel.map((one) => one.path.split("/").at(-1)?.toLowerCase() ?? "");
  return names.some((name) => name.endsWith(".zip") || TELLING.includes(name));
}

/** Sends files; each fault is told in words. The name of the last thing that was taken, "" if none was. */
export async function sendFiles(desk: Desk, files: readonly Sent[], kind: Kind): Promise<string> {
  let taken = "";
  for (const parcel of parcels(files, kind)) {
    const title = parcel[0]?.path.split("/")[0] ?? "";
    if (kind === "character" && !mayBeCharacter(parcel)) {
      const what = parcel.length === 1 ? title : "These files";
      desk.note(false, `${what} cannot move yet: nothing tells where the joints are. What it takes:`, {
        list: NEEDED,
      });
      continue;
    }
    const form = new FormData();
    for (const { path, file } of parcel) form.append("files", file, path);
    desk.sending.value = title;
    try {
      const answer = await fetch(ADDRESS[kind], { method: "POST", body: form });
      const words = await wordsOf(answer);
      if (answer.ok) taken = words.name;
      desk.note(
        answer.ok,
        words.message || (answer.ok ? `Added ${title}` : `${title} was not taken (${answer.status})`),
      );
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // what fetch throws when there is no connection
      desk.note(false, `${title} was not sent: there is no connection to bodydouble.`);
    } finally {
      desk.sending.value = "";
    }
  }
  return taken;
}

/** Adds characters, and has the last one play: who adds one wants to see it. */
export async function addCharacter(desk: Desk, files: readonly Sent[]): Promise<void> {
  const name = await sendFiles(desk, files, "character");
  if (name) desk.change({ character: name });
}

/** Removes one of the user's own characters or pictures. */
export async function remove(desk: Desk, name: string, kind: Kind): Promise<void> {
  try {
    const answer = await fetch(`${ADDRESS[kind]}/${encodeURIComponent(name)}`, { method: "DELETE" });
    const words = await wordsOf(answer);
    const otherwise = answer.ok ? `Removed ${name}` : `${name} was not removed (${answer.status})`;
    desk.note(answer.ok, words.message || otherwise);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    desk.note(false, `${name} was not removed: there is no connection to bodydouble.`);
  }
}

/** The files of a picker. */
export function picked(input: HTMLInputElement): Sent[] {
  return [...(input.files ?? [])].map((file) => ({ path: file.webkitRelativePath || file.name, file }));
}

/** The files that were dropped, those of folders with their paths. */
export async function dropped(data: DataTransfer | null): Promise<Sent[]> {
  const entries = [...(data?.items ?? [])].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
  if (entries.length === 0) return [...(data?.files ?? [])].map((file) => ({ path: file.name, file }));
  return (await Promise.all(entries.map((entry) => filesOf(entry)))).flat();
}

async function filesOf(entry: FileSystemEntry): Promise<Sent[]> {
  const path = entry.fullPath.replace(/^\//, "");
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
    return [{ path, file }];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const found: Sent[] = [];
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return found;
    for (const inner of some) found.push(...(await filesOf(inner)));
  }
}

/** The message and name in an answer, whatever its shape. */
async function wordsOf(answer: Response): Promise<{ message: string; name: string }> {
  const text = await answer.text();
  try {
    const found = JSON.parse(text) as { message?: unknown; name?: unknown };
    return {
      message: typeof found.message === "string" ? found.message : "",
      name: typeof found.name === "string" ? found.name : "",
    };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return { message: text.length < 300 ? text : "", name: "" };
  }
}
