/** The page's style sheet: one column, wide tables scroll by themselves, or on a phone are lists, dark where the system is. */
export const style = `:root{color-scheme:light dark;--text:#1c2024;--dim:#5a6169;--back:#fff;--card:#f4f5f7;--line:#d5d9de;--link:#0b57a4;--good:#17663a;--bad:#a5221b;--warn:#8a5200;--bar:#3d7ab8}
@media(prefers-color-scheme:dark){:root{--text:#e6e8ea;--dim:#a3abb3;--back:#14171a;--card:#1e2327;--line:#363d44;--link:#7ab8f5;--good:#6fce94;--bad:#ff8f86;--warn:#f0b45b;--bar:#5b9bd8}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:76rem;padding:0 1rem 3rem;font:1rem/1.5 system-ui,sans-serif;color:var(--text);background:var(--back);overflow-wrap:anywhere}
a{color:var(--link)}
a:focus-visible,button:focus-visible,input:focus-visible,select:focus-visible,textarea:focus-visible,summary:focus-visible{outline:3px solid var(--link);outline-offset:2px}
header{display:flex;flex-wrap:wrap;gap:.25rem 1.25rem;align-items:baseline;padding:.75rem 0;border-bottom:1px solid var(--line);margin-bottom:1rem}
header nav{display:flex;flex-wrap:wrap;gap:.25rem 1rem}
header strong{font-size:1.1rem}
header .who{display:flex;flex-wrap:wrap;gap:.5rem;align-items:center;margin-left:auto;color:var(--dim)}header .who form{margin:0}
header a[aria-current]{font-weight:600;color:var(--text);text-decoration:none;border-bottom:3px solid var(--link)}
.skip{position:absolute;left:-99rem}.skip:focus{left:1rem;top:.5rem;background:var(--back);padding:.5rem}
h1{font-size:1.5rem;margin:.5rem 0}h2{font-size:1.15rem;margin:1.75rem 0 .5rem}
.dim{color:var(--dim)}.good{color:var(--good)}.bad{color:var(--bad)}.warn{color:var(--warn)}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{text-align:left;padding:.35rem .75rem .35rem 0;border-bottom:1px solid var(--line);vertical-align:top;overflow-wrap:break-word;max-width:24rem}
th{font-weight:600;color:var(--dim)}.number{text-align:right}
.card{background:var(--card);border:1px solid var(--line);border-radius:.5rem;padding:.75rem 1rem;margin:.75rem 0}
.card h2,.card h3{margin:.25rem 0}.card p,.card ul{margin:.4rem 0}h3{font-size:1rem}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(16rem,1fr));gap:.75rem}
code,pre{font:.9em/1.45 ui-monospace,monospace}pre{background:var(--card);border:1px solid var(--line);border-radius:.5rem;padding:.75rem;overflow:auto;max-height:36rem;white-space:pre-wrap}
form{margin:.25rem 0}form.row{display:flex;flex-wrap:wrap;gap:.5rem .75rem;align-items:end}
label{display:block;color:var(--dim)}input,select,textarea,button{font:inherit;color:inherit;background:var(--back);border:1px solid var(--dim);border-radius:.375rem;padding:.35rem .6rem;max-width:100%}
textarea{width:100%;min-height:10rem;font:.9em/1.45 ui-monospace,monospace}
button{cursor:pointer;background:var(--card)}button.act{border-color:var(--link);color:var(--link);font-weight:600}button.danger{border-color:var(--bad);color:var(--bad);font-weight:600}
.acts{display:flex;flex-wrap:wrap;gap:.5rem;align-items:center}.acts form{margin:0}
svg.chart{display:block;width:100%;height:4.5rem}svg.chart rect{fill:var(--bar)}svg.chart rect.bad{fill:var(--bad)}
progress{width:100%}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1rem;margin:.5rem 0}dt{color:var(--dim)}dd{margin:0}
@media(max-width:40rem){dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:.5rem}header .who{margin-left:0}
table,tbody{display:block}thead{position:absolute;left:-99rem}tr{display:flex;flex-wrap:wrap;gap:0 1rem;padding:.35rem 0;border-bottom:1px solid var(--line)}
td{border:0;padding:.1rem 0;overflow-wrap:anywhere;max-width:100%}td.number{text-align:left}td:first-child{flex-basis:100%;font-weight:600}td+td::before{content:attr(data-name) " ";color:var(--dim)}}
`;
