// All scripts listen on the document, so swapped fragments need no initialization.
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
import "./columns.js";
import "./views.js";
import "./query-field.js";
import "./keyboard.js";
import "./sign-in.js";
