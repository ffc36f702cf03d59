// The status page: the same figures, kept live by the topic `status`.
import { $, h, put } from "./dom.js";
import { age, count, duration, fixed, hms, moment, parse } from "./format.js";
import { pageLive } from "./live.js";
import { t } from "./text.js";

const STALE_MS = 5000;
const live = pageLive();
const part = (name) => $(`[data-${name}]`);

function stages(list) {
  part("stages").replaceChildren(
    ...list.map((x) =>
      h(
        "tr",
        { "data-stage": x.name },
        h("td", { text: x.title }),
        h("td", { class: "r", text: duration(x.p50_ms) }),
        h("td", { class: "r", text: duration(x.p99_ms) }),
        h("td", { class: "r", text: count(x.count) }),
        h("td", { class: "r", text: x.at ? hms(parse(x.at)) : "—" }),
      ),
    ),
  );
}
function headline(kind, words) {
  part("light").className = `dot dot-${kind}`;
  put(part("headline"), words);
}
function take(s) {
  part("status").dataset.ready = String(s.ready);
  const warning = s.feeds.n_live < s.feeds.n;
  const what = s.warming ? s.warming.text : t("starting");
  if (!s.ready) headline("warn", t("Warming up: {what}.", { what }));
  else if (warning)
    headline("warn", t("Running, {late} of {all} streams are late.", { late: s.feeds.n - s.feeds.n_live, all: s.feeds.n }));
  else headline("ok", t("Running."));
  stages(s.stages);
  put(part("feeds"), t("{live} of {all}", { live: s.feeds.n_live, all: s.feeds.n }));
  put(part("oldest"), age(s.feeds.oldest_s));
  put(part("gaps"), count(s.gaps));
  put(part("refilled"), count(s.refilled));
  part("late").replaceChildren(
    ...s.feeds.stale.map((x) =>
      h(
        "p",
        { class: "row between small" },
        h("span", { text: x.stream }),
        h("b", { class: "warn num", text: age(x.age_s) }),
      ),
    ),
  );
  put(part("model"), s.model ? s.model.version : t("none yet"));
  put(part("trained"), s.model ? moment(parse(s.model.trained_at)) : "—");
  put(part("market"), s.market);
  put(part("speed"), `${fixed(s.speed, 0)}×`);
  put(part("error"), s.last_error ? s.last_error.text : t("None since the start."));
  put(part("error-at"), s.last_error ? moment(parse(s.last_error.at)) : "");
  part("counters").replaceChildren(
    ...Object.entries(s.counters).flatMap(([name, n]) => [
      h("dt", { text: name.replaceAll("_", " ") }),
      h("dd", { text: count(n) }),
    ]),
  );
}
function connection() {
  const { name, attempt, retryAt } = live.state;
  const next = Math.max(0, Math.ceil((retryAt - performance.now()) / 1000));
  put(
    part("socket"),
    name === "open"
      ? t("open")
      : name === "waiting"
        ? t("lost, try {attempt} in {seconds} s", { attempt, seconds: next })
        : t("connecting"),
  );
  const silence = live.silence();
  put(part("silence"), silence === null ? t("none yet") : t("{age} ago", { age: age(silence / 1000) }));
  if (silence !== null && silence > STALE_MS && !document.hidden && !live.isQuiet)
    headline("bad", t("No word from the engine for {age}. What stands below is old.", { age: age(silence / 1000) }));
}
live.subscribe("status", take);
live.watch(connection);
setInterval(connection, 1000);
live.start();
