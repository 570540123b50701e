"""How the pages look; light and dark, nothing loaded from anywhere."""

STYLE = """
:root{color-scheme:light dark;--ink:#1c2126;--soft:#66707a;--line:#dde2e6;--paper:#fff;
--card:#f7f9fa;--blue:#0072b2;--red:#b3261e;--green:#137a4d;--orange:#d55e00}
@media(prefers-color-scheme:dark){:root{--ink:#e4e7ea;--soft:#98a2ab;--line:#363d44;
--paper:#16191c;--card:#1e2226;--blue:#56b4e9;--red:#ff8a80;--green:#5fd39b;--orange:#ff9d4d}}
body{font:15px/1.5 system-ui,sans-serif;margin:2em auto;max-width:1180px;padding:0 1.2em;
color:var(--ink);background:var(--paper)}
h1{margin:0;font-size:1.7em}h1+p{color:var(--soft);margin:.1em 0 1em}
h2{font-size:1.15em;margin:1.8em 0 .3em}a{color:var(--blue)}
table{border-collapse:collapse;margin:.5em 0}
td,th{padding:.28em .9em .28em 0;text-align:left;border-bottom:1px solid var(--line);
vertical-align:top}
th{font-weight:400;color:var(--soft);font-size:.85em}
th.n,td.n{text-align:right}td.n{font-variant-numeric:tabular-nums;white-space:nowrap}
tr.own td{font-weight:600}td.wide{width:20em}
.big{font-size:3em;font-weight:650;margin:.2em 0;font-variant-numeric:tabular-nums;line-height:1.1}
.big small{font-size:.33em;font-weight:400;color:var(--soft)}
.bar{display:inline-block;height:.7em;background:var(--soft);opacity:.55;border-radius:2px}
tr.own .bar,.slices .bar{background:var(--blue);opacity:1}
.columns{display:flex;flex-wrap:wrap;gap:0 4em}
nav{display:flex;flex-wrap:wrap;gap:.3em .5em;margin:.7em 0;align-items:baseline}
nav b{font-weight:400;color:var(--soft)}
nav a{padding:.05em .6em;border:1px solid var(--line);border-radius:1em;text-decoration:none;
color:inherit;white-space:nowrap}nav a:hover{border-color:var(--blue)}
.failure{border:1px solid var(--line);border-radius:8px;padding:.8em 1.1em;margin:1em 0;
background:var(--card)}
.failure h3{margin:0 0 .6em;font-size:1em;display:flex;flex-wrap:wrap;gap:.2em .7em}
.failure small{color:var(--soft);font-weight:400}
.badge{font-size:.8em;font-weight:600;border-radius:4px;padding:.05em .5em;
border:1px solid currentColor}.badge.unread{color:var(--orange)}.badge.wrong{color:var(--red)}
.badge.part{color:var(--blue)}
.pair{display:grid;grid-template-columns:430px minmax(0,1fr);gap:1.2em}
.pair.words{grid-template-columns:minmax(0,1fr)}
.media{display:flex;flex-wrap:wrap;gap:.5em;align-content:flex-start}
figure{margin:0;max-width:100%}.media.many figure{width:calc(50% - .25em)}
.media.frames figure{width:calc(33.3% - .35em)}figcaption{color:var(--soft);font-size:.8em}
svg,img{max-width:100%;height:auto;border-radius:4px;display:block}
dl{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:.45em .9em;margin:0;
align-content:start}
dt{color:var(--soft)}dd{margin:0}
pre{white-space:pre-wrap;overflow-wrap:anywhere;margin:0;max-height:22em;overflow:auto;
font:13px/1.5 ui-monospace,"Noto Sans Mono CJK SC",monospace;unicode-bidi:plaintext;
text-align:start}
dd.answered pre{color:var(--red)}dd.expected pre{color:var(--green)}
.warn{color:var(--red)}
@media(max-width:820px){.pair{grid-template-columns:minmax(0,1fr)}}
"""
