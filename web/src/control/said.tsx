/** What is said in the stage's bar, where it covers nobody: which model is being fetched, or why tracking is poor. */

import type { ModelReport } from "../messages";
import type { Desk } from "./desk";
import { capital } from "./format";
import { Icon } from "./icons";
import { IconButton, Progress } from "./parts";

/** One sentence at a time; the first model goes before all, as nothing moves without it. */
export function Said({ desk }: { desk: Desk }) {
  const connected = desk.connection.value === "open";
  const model = desk.status.value?.model;
  const source = desk.status.value?.source;
  const first = connected && model?.loading && !model.name ? model : null;
  const hint = desk.hint.value;
  const poor = connected && !first && hint !== "" && source?.state === "live" && hint !== source.message; // which the lamp says
  return (
    <div class={`said ${first || poor ? "shown" : ""}`}>
      <p role="status">
        {poor && <Icon name="warning" size={16} />}
        <span>{first ? loadingWords(first) : poor ? capital(hint) : ""}</span>
      </p>
      {first && <Progress label={`Loading ${first.loading}`} value={first.progress} />}
      {poor && <IconButton icon="close" label="Close this hint" size={15} onClick={() => desk.dismissHint()} />}
    </div>
  );
}

/** What happens to a model that is not there yet. */
function loadingWords(model: ModelReport): string {
  return model.progress > 0 && model.progress < 1
    ? "Fetching the pose model, this once; the character idles meanwhile"
    : "Getting the pose model ready; the character idles meanwhile";
}
