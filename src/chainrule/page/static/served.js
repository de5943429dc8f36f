// The page on a server starts here.

import { openServed } from "./main.js";

const root = document.getElementById("page");
if (root) {
  openServed(root, root.dataset.formula ?? "");
}
