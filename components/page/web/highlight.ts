/** Colours code. Loaded when the first code with a known language is shown. */
import core from "highlight.js/lib/core";
import bash from "highlight.js/lib/languages/bash";
import c from "highlight.js/lib/languages/c";
import css from "highlight.js/lib/languages/css";
import diff from "highlight.js/lib/languages/diff";
import go from "highlight.js/lib/languages/go";
import ini from "highlight.js/lib/languages/ini";
import java from "highlight.js/lib/languages/java";
import javascript from "highlight.js/lib/languages/javascript";
import json from "highlight.js/lib/languages/json";
import python from "highlight.js/lib/languages/python";
import rust from "highlight.js/lib/languages/rust";
import sql from "highlight.js/lib/languages/sql";
import typescript from "highlight.js/lib/languages/typescript";
import xml from "highlight.js/lib/languages/xml";
import yaml from "highlight.js/lib/languages/yaml";

// They bring their own short names: `sh`, `toml`, `html`, `py`, `ts` and so on.
const languages = { bash, c, css, diff, go, ini, java, javascript, json, python, rust, sql };
for (const [name, language] of Object.entries({ ...languages, typescript, xml, yaml })) {
  core.registerLanguage(name, language);
}

/** The code as HTML with spans, or null where the language is not known. */
export function highlight(code: string, language: string): string | null {
  if (!core.getLanguage(language)) return null;
  return core.highlight(code, { language, ignoreIllegals: true }).value;
}
