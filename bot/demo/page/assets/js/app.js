// The page: each part looks after its own corner of it, and all are told what is new by the store.

import * as announce from "/js/announce.js";
import * as behind from "/js/behind.js";
import * as channels from "/js/channels.js";
import * as composer from "/js/composer.js";
import * as desk from "/js/desk.js";
import * as files from "/js/files.js";
import * as guide from "/js/guide.js";
import * as home from "/js/home.js";
import * as layout from "/js/layout.js";
import { become } from "/js/live.js";
import * as modal from "/js/modal.js";
import * as people from "/js/people.js";
import * as places from "/js/places.js";
import { attempt, state } from "/js/store.js";
import * as theme from "/js/theme.js";
import * as thread from "/js/thread.js";
import * as timeline from "/js/timeline.js";

const parts = [theme, people, channels, timeline, thread, home, files, announce, modal, desk, composer, behind, guide];
for (const part of [...parts, layout, places]) attempt(part.start); // places last: it answers what the others heard
become(state.person);
