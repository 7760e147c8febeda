"use strict";
(() => {
  const root = document.documentElement;
  const isDark = () => root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  document.getElementById("theme").addEventListener("click", () => { root.dataset.theme = isDark() ? "light" : "dark"; });

  const tip = document.getElementById("tip");
  const hours = (ms) => {
    const s = Math.round(ms / 1000), d = Math.floor(s / 86400), two = (n) => String(n).padStart(2, "0");
    return (d ? d + "d " : "") + two(Math.floor(s / 3600) % 24) + ":" + two(Math.floor(s / 60) % 60) + ":" + two(s % 60);
  };
  const short = (v) => v >= 1e4 ? (v / 1e3).toPrecision(3) + "k" : String(+v.toPrecision(3));
  const took = (v) => v < 1 ? short(v * 1000) + " ms" : short(v) + " s";
  const at = (list, i) => list && list[i] != null ? list[i] : null;

  // One picture of one contender: where moments are, what was measured, and its decisions.
  const run = (figure) => {
    const svg = figure.querySelector("svg");
    const data = JSON.parse(figure.querySelector("script").textContent);
    const cursor = document.createElementNS("http://www.w3.org/2000/svg", "path");
    cursor.setAttribute("class", "cursor");
    svg.append(cursor);
    const items = [...figure.querySelectorAll("ol.decisions li[data-at]")];
    const self = { figure, svg, data, items, chosen: -1 };
    self.x = (ms) => data.left + ms / data.lasts * (data.right - data.left);
    self.moment = (x) => Math.min(1, Math.max(0, (x - data.left) / (data.right - data.left))) * data.lasts;
    self.mark = (ms) => cursor.setAttribute("d", ms == null ? "" : `M${self.x(ms)} 0V${data.height}`);
    self.choose = (index) => {
      svg.querySelectorAll("g.on").forEach((each) => each.classList.remove("on"));
      self.chosen = index;
      const marker = index < 0 ? null : svg.querySelector(`g[data-d="${index}"]`);
      if (marker) marker.classList.add("on");
    };
    self.values = (ms) => {
      const i = Math.floor(ms / data.width), parts = [];
      const say = (word, value, how) => { if (value != null) parts.push(`${word} ${how(value)}`); };
      say("offered", at(data.offered, i), (v) => short(v) + "/s");
      say("needed", at(data.needed, i), short);
      say("serving", at(data.ready, i), short);
      say("target", at(data.target, i), short);
      say("in the system", at(data.waiting, i), short);
      say(data.quantile, at(data.latency, i), took);
      return parts.join(" · ");
    };
    self.nearest = (x) => {
      let best = -1, distance = 7;
      items.forEach((item, index) => {
        const away = Math.abs(self.x(+item.dataset.at) - x);
        if (away < distance) { best = index; distance = away; }
      });
      return best;
    };
    return self;
  };

  const show = (all, self, ms, left, top) => {
    all.forEach((each) => each.mark(ms));
    tip.replaceChildren();
    const head = document.createElement("b");
    head.textContent = hours(ms);
    tip.append(head, self.values(ms));
    if (self.chosen >= 0) {
      const why = document.createElement("p");
      why.textContent = self.items[self.chosen].textContent;
      tip.append(why);
    }
    tip.hidden = false;
    const box = tip.getBoundingClientRect();
    tip.style.left = Math.max(8, left + 16 + box.width > innerWidth ? left - box.width - 16 : left + 16) + "px";
    tip.style.top = Math.max(8, Math.min(top + 12, innerHeight - box.height - 8)) + "px";
  };
  const hide = (all) => { all.forEach((each) => { each.mark(null); each.choose(-1); }); tip.hidden = true; };

  document.querySelectorAll("section.scenario").forEach((section) => {
    const all = [...section.querySelectorAll("figure.run")].map(run);
    all.forEach((self) => {
      const pointed = (event) => {
        const box = self.svg.getBoundingClientRect();
        const x = (event.clientX - box.left) / box.width * self.data.across;
        self.choose(self.nearest(x));
        show(all, self, self.moment(x), event.clientX, event.clientY);
      };
      self.svg.addEventListener("pointermove", pointed);
      self.svg.addEventListener("pointerdown", pointed);
      self.svg.addEventListener("pointerleave", () => hide(all));
      self.svg.addEventListener("blur", () => hide(all));
      self.svg.addEventListener("keydown", (event) => {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (event.key === "Escape") hide(all);
        if (!step || !self.items.length) return;
        event.preventDefault();
        self.choose(Math.min(self.items.length - 1, Math.max(0, self.chosen + step)));
        const ms = +self.items[self.chosen].dataset.at, box = self.svg.getBoundingClientRect();
        show(all, self, ms, box.left + self.x(ms) / self.data.across * box.width, box.top + box.height / 3);
      });
    });
  });
})();
