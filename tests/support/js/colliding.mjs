// Names of channels that collide under the C++ library's hash of strings (MurmurHash64A with the seed 0xc70f6907).
const BITS = (n) => BigInt.asUintN(64, n);
const MUL = 0xc6a4a7935bd1e995n;
const SEED = 0xc70f6907n;
const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-=@,.;:';
const BLOCK = 8;
const PAIRS = 4;

function inverse(odd) {
  let x = odd;
  for (let i = 0; i < 6; ++i) x = BITS(x * (2n - odd * x));
  return x;
}
const INVERSE = inverse(MUL);

const mix = (value) => value ^ (value >> 47n);
const spread = (block) => BITS(mix(BITS(block * MUL)) * MUL);
const unspread = (value) => BITS(mix(BITS(value * INVERSE)) * INVERSE);
const blockOf = (text) => Buffer.from(text, 'latin1').readBigUInt64LE();

/** The text of a block; null unless it is made of letters that a channel's name may have. */
function textOf(block) {
  let text = '';
  for (let rest = block; text.length < BLOCK; rest >>= 8n) {
    const letter = String.fromCharCode(Number(rest & 0xffn));
    if (!LETTERS.includes(letter)) return null;
    text += letter;
  }
  return text;
}

/**
 * `count` names of one length that collide together with the `prefix` that the node puts before them. The names are put
 * together from pairs of blocks: whichever of its pairs stands in a place, the hash has come to the same state behind it.
 */
export function collidingNames(prefix, count) {
  const pad = 'x'.repeat((2 * BLOCK - (prefix.length % BLOCK)) % BLOCK);
  const length = prefix.length + pad.length + PAIRS * 2 * BLOCK;
  const choices = Math.ceil(count ** (1 / PAIRS));
  let state = SEED ^ BITS(BigInt(length) * MUL);
  const head = prefix + pad;
  for (let at = 0; at < head.length; at += BLOCK) state = BITS((state ^ spread(blockOf(head.slice(at, at + BLOCK)))) * MUL);
  let serial = 0;
  const places = [];
  for (let place = 0; place < PAIRS; ++place) {
    const end = BigInt(place + 1);
    const pairs = [];
    while (pairs.length < choices) {
      const first = (serial++).toString(36).padStart(BLOCK, '-');
      const second = textOf(unspread(BITS((state ^ spread(blockOf(first))) * MUL) ^ end));
      if (second) pairs.push(first + second);
    }
    places.push(pairs);
    state = BITS(end * MUL);
  }
  return Array.from({ length: count }, (_, i) => {
    let name = pad;
    for (let place = 0, rest = i; place < PAIRS; ++place, rest = Math.floor(rest / choices)) name += places[place][rest % choices];
    return name;
  });
}
