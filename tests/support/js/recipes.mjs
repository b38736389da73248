// The code blocks of a document, so that a test can run what its readers copy.
import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import path from 'node:path';
import { PROJECT } from './process.mjs';

const BLOCK = /^```(\w+)\n([\s\S]*?)^```$/gm;
const FILE = /^(?:\/\/|#) (\S+\.\w+)\n/;

/** The lines of a ```diff that one side has; `sign`: those of that side alone. */
const side = (lines, sign) => lines.filter((line) => line === '' || line[0] === ' ' || line[0] === sign).map((line) => `${line.slice(1)}\n`).join('');

/** One block: `heading` above it, `file` that its first line names, `before` and `after` the change that a ```diff shows. */
class Block {
  constructor(heading, language, text) {
    Object.assign(this, { heading, language, text });
    const lines = text.split('\n').slice(0, -1);
    this.removed = lines.filter((line) => line.startsWith('-')).map((line) => line.slice(1));
    this.added = lines.filter((line) => line.startsWith('+')).map((line) => line.slice(1));
    const isDiff = language === 'diff';
    this.before = isDiff ? side(lines, '-') : text;
    this.after = isDiff ? side(lines, '+') : text;
    this.file = this.after.match(FILE)?.[1];
  }

  /** Another text with the change of this ```diff made to it, in which each removed line stands once. */
  appliedTo(other) {
    assert.equal(this.removed.length, this.added.length);
    return this.removed.reduce((changed, line, i) => {
      assert.equal(changed.split(line).length, 2, `the line ${line} must stand once in what it changes`);
      return changed.replace(line, () => this.added[i]);
    }, other);
  }

  /** The variables that a block of an environment sets: {before, after}. */
  get variables() {
    const read = (text) => Object.fromEntries([...text.matchAll(/^(\w+)=(.*)$/gm)].map(([, name, value]) => [name, value]));
    return { before: read(this.before), after: read(this.after) };
  }
}

/** The blocks of a document, each to be taken once. */
export class Recipes {
  #left = [];

  /** `wanted`: whether the blocks under a heading are read. */
  static async read(document, wanted = () => true) {
    const recipes = new Recipes();
    const text = await fs.readFile(path.join(PROJECT, document), 'utf8');
    for (const match of text.matchAll(BLOCK)) {
      const heading = text.slice(0, match.index).match(/^## .*$/gm)?.at(-1).slice(3);
      if (wanted(heading)) recipes.#left.push(new Block(heading, match[1], match[2]));
    }
    return recipes;
  }

  /** The next block under the heading. */
  take(heading) {
    const at = this.#left.findIndex((block) => block.heading === heading);
    assert.notEqual(at, -1, `the document has no further block under ${heading}`);
    return this.#left.splice(at, 1)[0];
  }

  /** What no test has taken, as lines to read. */
  get left() { return this.#left.map(({ heading, text }) => `${heading}: ${text.split('\n')[0]}`); }
}
