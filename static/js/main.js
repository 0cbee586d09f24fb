// Everything listens on the document, so that swapped fragments need no setting up.
import "./preferences.js";
import "./announce.js";
import "./menus.js";
import "./times.js";
import "./zone.js";
import "./copy.js";
import "./live.js";
import "./run.js";
import "./raw.js";
import "./runs.js";
import "./brush.js";
import "./selection.js";
import "./views.js";
import "./query.js";
import "./keyboard.js";
