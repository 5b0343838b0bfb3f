"""The page's style: colours for light and dark, and a layout that a phone can show."""

STYLE = """
:root { color-scheme: light dark; --paper: #ffffff; --ink: #1b1f24; --soft: #59636e; --grid: #d8dee4; --best: #0a6e3f;
  --front: #0b63b5; --kept: #59636e; --bad: #b3261e; --runtime: #7c8794; --weights: #0b63b5; --cache: #0a6e3f;
  --act: #b26a00; --rest: #9a6fb0; }
@media (prefers-color-scheme: dark) { :root { --paper: #14181d; --ink: #e6e9ed; --soft: #a3adb8; --grid: #333c46;
  --best: #4fc98a; --front: #6cb2f5; --kept: #a3adb8; --bad: #ff8a80; --runtime: #8d99a6; --weights: #6cb2f5;
  --cache: #4fc98a; --act: #e5a64b; --rest: #c39bd8; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 56rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; line-height: 1.2; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin-top: 2rem; }
p, li { overflow-wrap: anywhere; }
td { white-space: nowrap; }
.lead { font-size: 1.1rem; }
.soft, caption, .value { color: var(--soft); }
svg { display: block; width: 100%; height: auto; }
svg text { fill: var(--soft); font-size: 12px; }
svg .name { fill: var(--ink); }
svg .grid { stroke: var(--grid); }
svg .budget { stroke: var(--bad); stroke-dasharray: 6 4; stroke-width: 1.5; }
svg .budget-name { fill: var(--bad); }
svg .reach { stroke: var(--kept); stroke-width: 1; opacity: .6; }
svg .mark { stroke-width: 2; }
svg .winner { fill: var(--best); stroke: var(--best); }
svg .front { fill: var(--front); stroke: var(--front); }
svg .mark.kept { fill: var(--paper); stroke: var(--kept); }
svg .rejected { fill: none; stroke: var(--bad); }
.key { display: inline-block; width: 1em; height: 1em; margin-right: .4em; vertical-align: -.1em; }
.legend { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; font-size: .9rem; }
.swatch { display: inline-block; width: .9em; height: .9em; margin-right: .4em; vertical-align: -.1em; }
.bars { list-style: none; padding: 0; }
.bars li { margin: .6rem 0; }
.label { display: block; font-size: .9rem; overflow-wrap: anywhere; }
.label.winner { font-weight: 700; }
.label.rejected { color: var(--soft); }
.track { position: relative; display: flex; height: 1rem; background: var(--grid); overflow: hidden; }
.track .line { position: absolute; top: 0; bottom: 0; border-left: 2px dashed var(--bad); }
.value { display: block; font-size: .85rem; }
.runtime { background: var(--runtime); } .weights { background: var(--weights); }
.kv_cache { background: var(--cache); } .activations { background: var(--act); } .rest { background: var(--rest); }
.part.kept { background: var(--best); } .part.broken { background: var(--bad); }
.part.above { background: repeating-linear-gradient(45deg, var(--soft) 0 2px, transparent 2px 5px); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .9rem; }
caption { text-align: left; padding: .3rem 0; }
th, td { text-align: left; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid var(--grid); vertical-align: top; }
"""
