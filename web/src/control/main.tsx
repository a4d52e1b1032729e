/** The control page. */

import { render } from "preact";
import "uplot/dist/uPlot.min.css";
import "./theme.css";
import "./parts.css";
import "./layout.css";
import { Link } from "../link/link";
import { App } from "./app";
import { OwnCamera } from "./camera";
import { Desk } from "./desk";
import { startTheme } from "./theme";

startTheme();
const link = new Link("/ws/control");
const desk = new Desk(link);
const camera = new OwnCamera(link);
const app = document.getElementById("app");
app?.replaceChildren(); // the word that stands there until this runs
if (app) render(<App desk={desk} camera={camera} />, app);
