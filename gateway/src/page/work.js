// Looks for the counter with which SHA-256(nonce "." counter) begins with so many zero bits. Runs in a worker.
// FIPS 180-4; the constants are computed as it defines them, from the roots of the first primes.
onmessage = event => {
  const [nonce, bits] = event.data, K = new Int32Array(64), start = new Int32Array(64), h = new Int32Array(8), W = new Int32Array(64);
  const root = (n, power) => (n ** power - Math.floor(n ** power)) * 4294967296;
  for (let n = 2, found = 0; found < 64; n++) {
    let prime = true;
    for (let d = 2; d * d <= n; d++) if (n % d === 0) prime = false;
    if (prime) { K[found] = root(n, 1 / 3); start[found++] = root(n, 1 / 2); }
  }
  const turn = (x, n) => x >>> n | x << 32 - n;
  const digest = text => {
    const length = text.length, words = new Int32Array((length + 8 >> 6) + 1 << 4);
    for (let i = 0; i < 8; i++) h[i] = start[i];
    for (let i = 0; i < length; i++) words[i >> 2] |= text.charCodeAt(i) << 24 - i % 4 * 8;
    words[length >> 2] |= 128 << 24 - length % 4 * 8;
    words[words.length - 1] = length * 8;
    for (let at = 0; at < words.length; at += 16) {
      let a = h[0], b = h[1], c = h[2], d = h[3], e = h[4], f = h[5], g = h[6], k = h[7];
      for (let i = 0; i < 64; i++) {
        const x = W[i - 15], y = W[i - 2];
        W[i] = i < 16 ? words[at + i] : W[i - 16] + (turn(x, 7) ^ turn(x, 18) ^ x >>> 3) + W[i - 7] + (turn(y, 17) ^ turn(y, 19) ^ y >>> 10);
        const s = k + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + (e & f ^ ~e & g) + K[i] + W[i] | 0;
        const m = (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + (a & b ^ a & c ^ b & c);
        k = g; g = f; f = e; e = d + s | 0; d = c; c = b; b = a; a = s + m | 0;
      }
      h[0] += a; h[1] += b; h[2] += c; h[3] += d; h[4] += e; h[5] += f; h[6] += g; h[7] += k;
    }
  };
  for (let counter = 0; ; counter++) {
    digest(nonce + "." + counter);
    const zeros = Math.clz32(h[0]);
    // Nobody asks for more than 64 bits: that is for ever.
    if ((zeros < 32 ? zeros : 32 + Math.clz32(h[1])) >= bits) return postMessage(String(counter));
  }
};
