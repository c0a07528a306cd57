"""Checks proofs of a draw, as the README beside it says: python3 verify.py proof.json ..."""
import hashlib, hmac, json, sys
sha = lambda *parts: hashlib.sha256(b"".join(parts)).digest()
for file in sys.argv[1:] or sys.exit(__doc__):
    draw = json.load(open(file, encoding="utf-8"))
    draw = draw.get("record", draw)  # beside what binds the next lottery
    "proof" in draw or sys.exit(f"{file}: no proof: save it after the draw, in the browser that waited")
    proof, last = draw["proof"], draw["count"] - 1
    secret, digest, beacon = (bytes.fromhex(draw[key] or "") for key in ("secret", "digest", "beacon"))
    draw["version"] == draw["rule"] == 1 or sys.exit(f"{file}: another version")
    sha(secret).hex() == draw["commitment"] or sys.exit(f"{file}: the secret is not the one committed to")
    at, path = proof["index"], [bytes.fromhex(sibling) for sibling in proof["path"]]
    0 <= at <= last or sys.exit(f"{file}: the ticket is not in the list")
    seed, half, place = sha(secret, digest, beacon), max(1, (last.bit_length() + 1) // 2), at
    node = sha(b"\0", at.to_bytes(4, "big"), bytes.fromhex(proof["tag"]))
    while last:  # up the tree; a last node without a neighbour is lifted as it is
        if at ^ 1 <= last:
            node = sha(b"\1", *((path.pop(0), node) if at & 1 else (node, path.pop(0))))
        at, last = at >> 1, last >> 1
    node == digest and not path or sys.exit(f"{file}: the path does not lead to the digest")
    while True:  # a Feistel network over twice `half` bits, walked until inside the list
        left, right = place >> half, place & (1 << half) - 1
        for k in range(max(8, 32 // half)):
            mix = hmac.digest(seed, bytes([k]) + right.to_bytes(4, "big"), "sha256")[:4]
            left, right = right, left ^ int.from_bytes(mix, "big") & (1 << half) - 1
        place = left << half | right
        if place < draw["count"]:
            break
    place == proof["place"] or sys.exit(f"{file}: the ticket drew place {place}")
    print(f"{file}: place {place + 1}")
