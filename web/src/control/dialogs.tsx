/** What opens over the page: help, the address for OBS, the address for a phone. */

import { type ReadonlySignal, useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import type { Open } from "./app";
import type { Desk } from "./desk";
import { Icon } from "./icons";
import { SHORTCUTS } from "./keyboard";
import { IconButton } from "./parts";

/** A dialog that follows a signal; Escape, its cross and a click beside it close it. */
function Dialog(props: { name: Open; open: { value: Open }; title: string; children: ComponentChildren }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const shown = props.open.value === props.name;
  const close = () => {
    if (props.open.value === props.name) props.open.value = "";
  };
  // At once, and Escape as soon as it is pressed: the event of a dialog's closing comes later, and may come when it is
  // open again already.
  const closed = () => {
    if (!dialog.current?.open) close();
  };
  useLayoutEffect(() => {
    if (shown && !dialog.current?.open) dialog.current?.showModal();
    if (!shown && dialog.current?.open) dialog.current.close();
  }, [shown]);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape closes a dialog by itself
    <dialog
      ref={dialog}
      class={`dialog ${props.name}`}
      aria-label={props.title}
      onCancel={close}
      onClose={closed}
      onClick={(event) => {
        if (event.target === dialog.current) close();
      }}
    >
      {shown && (
        <div class="dialog-body">
          <header>
            <h2>{props.title}</h2>
            <IconButton icon="close" label="Close" onClick={close} />
          </header>
          {props.children}
        </div>
      )}
    </dialog>
  );
}

/** All keys, and a word on how it goes. */
export function HelpDialog({ open, version }: { open: { value: Open }; version: ReadonlySignal<string> }) {
  return (
    <Dialog name="help" open={open} title="Help">
      <ol class="steps">
        <li>Choose your camera below your picture, and a character on the right.</li>
        <li>
          Step back until you are in the picture, then <b>Calibrate</b>: the character learns your proportions.
        </li>
        <li>
          Bring it elsewhere: <b>OBS</b>, the <b>virtual camera</b>, or a <b>recording</b>.
        </li>
      </ol>
      <h3>Shortcuts</h3>
      <dl class="keys">
        {SHORTCUTS.map((shortcut) => (
          <div key={shortcut.action}>
            <dt>
              <kbd>{shortcut.key}</kbd>
            </dt>
            <dd>{shortcut.label}</dd>
          </div>
        ))}
      </dl>
      <p class="soft">
        Click a person in your picture, or their button below it, to choose whom the character follows.
      </p>
      <p class="soft">
        bodydouble {version.value}. The camera's picture goes to the computer that bodydouble runs on, and nowhere else.
      </p>
    </Dialog>
  );
}

/** An address to copy. */
function Address({ address, label }: { address: string; label: string }) {
  const copied = useSignal(false);
  const field = useRef<HTMLInputElement>(null);
  const copy = async () => {
    field.current?.select();
    try {
      await navigator.clipboard.writeText(address);
    } catch (error) {
      if (!(error instanceof DOMException || error instanceof TypeError)) throw error;
      document.execCommand("copy"); // a page that is not secure has no clipboard of the newer kind
    }
    copied.value = true;
    setTimeout(() => {
      copied.value = false;
    }, 2000);
  };
  return (
    <div class="address">
      <input
        ref={field}
        type="text"
        readOnly
        value={address}
        aria-label={label}
        onFocus={(event) => event.currentTarget.select()}
      />
      <button type="button" class="button primary" onClick={() => void copy()}>
        <Icon name={copied.value ? "check" : "copy"} size={16} />
        <span aria-live="polite">{copied.value ? "Copied" : "Copy"}</span>
      </button>
    </div>
  );
}

/** The stage's address for OBS. */
export function ObsDialog({ open, desk }: { open: { value: Open }; desk: Desk }) {
  const address = desk.choices.value?.stage_address || new URL("/stage", location.href).href;
  return (
    <Dialog name="obs" open={open} title="The character in OBS">
      <ol class="steps">
        <li>Copy the stage's address.</li>
      </ol>
      <Address address={address} label="The stage's address" />
      <ol class="steps" start={2}>
        <li>
          In OBS: <b>Sources</b>, <b>+</b>, <b>Browser</b>. Paste it as the <b>URL</b>.
        </li>
        <li>
          Width <b>1920</b>, height <b>1080</b>, or your canvas's size. The background is transparent by itself.
        </li>
      </ol>
      <p class="soft">
        For Zoom, Teams or Discord use the virtual camera.{" "}
        <a href={address} target="_blank" rel="noreferrer">
          Look at the stage
        </a>
      </p>
    </Dialog>
  );
}

/** The page's address for a phone, as a picture to scan. */
export function PhoneDialog({ open, desk }: { open: { value: Open }; desk: Desk }) {
  const address = desk.choices.value?.lan_address ?? "";
  return (
    <Dialog name="phone" open={open} title="On a phone or tablet">
      {address ? (
        <>
          <p>Scan this with a phone in the same network: it shows this page, to steer from where you stand.</p>
          <img class="qr" src="/api/qr.svg" alt={`QR code of ${address}`} width="208" height="208" />
          <Address address={address} label="The page's address in the network" />
          <p class="soft">Whoever has the address may steer bodydouble. It stays the same until --new-token.</p>
        </>
      ) : (
        <>
          <p>bodydouble is open to this computer only. To steer it from a phone in the same network, start it with</p>
          <p>
            <code class="block">bodydouble live --host 0.0.0.0</code>
          </p>
          <p class="soft">A code to scan appears here then. Others need its token to come in.</p>
        </>
      )}
    </Dialog>
  );
}
