// The page: each part looks after its own corner of it, and all are told what is new by the store.

import * as behind from "/js/behind.js";
import * as channels from "/js/channels.js";
import * as composer from "/js/composer.js";
import * as guide from "/js/guide.js";
import * as home from "/js/home.js";
import { become } from "/js/live.js";
import * as modal from "/js/modal.js";
import * as people from "/js/people.js";
import * as places from "/js/places.js";
import { state } from "/js/store.js";
import * as theme from "/js/theme.js";
import * as thread from "/js/thread.js";
import * as timeline from "/js/timeline.js";

for (const part of [theme, people, channels, timeline, thread, home, modal, composer, behind, guide, places]) part.start();
become(state.person);
