
"use strict";
const player = document.getElementById("player");
const search = document.getElementById("search");
const count = document.getElementById("count");
const lines = [...document.querySelectorAll("#lines > li")];
const starts = lines.map((line) => Number(line.dataset.start));
const words = lines.map((line) => line.querySelector(".words"));
const texts = words.map((element) => element.textContent);
const told = count.textContent;

function jump(line) {
  player.currentTime = Number(line.dataset.start);
  player.play().catch(() => {});  // the browser may want another click: the picture is there all the same
}

function show(element, text, wanted) {
  element.textContent = "";
  let from = 0;
  const lower = text.toLowerCase();
  // A letter whose small form has another length would shift the marks: then there are none.
  for (let at; wanted && lower.length === text.length && (at = lower.indexOf(wanted, from)) >= 0; from = at + wanted.length) {
    const mark = document.createElement("mark");
    mark.textContent = text.slice(at, at + wanted.length);
    element.append(text.slice(from, at), mark);
  }
  element.append(text.slice(from));
}

function find() {
  const wanted = search.value.trim().toLowerCase();
  let found = 0;
  lines.forEach((line, index) => {
    line.hidden = !texts[index].toLowerCase().includes(wanted);
    found += !line.hidden;
    show(words[index], texts[index], wanted);
  });
  count.textContent = wanted ? `${found} of ${told}` : told;
}

let now = -1;
function follow() {
  const time = player.currentTime + 0.01;
  let index = starts.length - 1;
  while (index >= 0 && starts[index] > time) index--;
  if (index === now) return;
  if (now >= 0) lines[now].classList.remove("now");
  now = index;
  if (now < 0) return;
  lines[now].classList.add("now");
  if (!player.paused) lines[now].scrollIntoView({ block: "nearest" });
}

document.getElementById("lines").addEventListener("click", (event) => {
  const line = event.target.closest("li");
  if (!line || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  jump(line);
});
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && document.activeElement !== search) {
    event.preventDefault();
    search.focus();
  } else if (event.key === "Enter" && document.activeElement === search) {
    const first = lines.find((line) => !line.hidden);
    if (first) jump(first);
  } else if (event.key === "Escape" && document.activeElement === search) {
    search.value = "";
    find();
    search.blur();
  }
});
search.addEventListener("input", find);
player.addEventListener("timeupdate", follow);
player.addEventListener("seeking", follow);
player.addEventListener("error", () => { document.getElementById("trouble").hidden = false; });
if (player.error) document.getElementById("trouble").hidden = false;
