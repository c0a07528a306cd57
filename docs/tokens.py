"""Makes the test vectors of docs/tokens.md from its description alone: python3 docs/tokens.py"""
import base64, hashlib, hmac

def mac(key, text):
    return hmac.new(key, text, hashlib.sha256).digest()

def uint(value, width):
    return value.to_bytes(width, "big")

def room_key(secret, tenant, room):
    names = b"".join(uint(len(name), 8) + name for name in (tenant, room))
    return mac(secret, b"fluxgate room token v1" + names)

def client(network, agent):
    said = uint(agent is not None, 1) + (agent or b"")
    return hashlib.sha256(network + said).digest()

def token(key, key_id, kind, fields, bound=None):
    signed = uint(16 + kind + (8 if bound else 0), 1) + uint(key_id, 1)
    signed += b"".join(uint(value, width) for value, width in fields)
    if bound:
        signed += mac(key, b"fluxgate room client" + bound)[:8]
    return base64.urlsafe_b64encode(signed + mac(key, signed)[:16]).rstrip(b"=").decode()

SECRET, LINE, NUMBER, AT = bytes([1]) * 32, 1790000000000, 1790000000042, 1790000000123
KEY = room_key(SECRET, b"acme", b"flash-sale")
HOME = client(bytes([4, 192, 0, 2, 0, 0, 0, 0]), b"Browser/1.0")
PLACE = [(LINE, 8), (NUMBER, 8), (AT, 6)]
WAITS = PLACE + [(AT + 5000, 6), (41, 4), (0x0123456789ABCDEF, 8)]
SHOWN = PLACE + [(AT + 5000, 6), (41, 4), (90000, 4), (0x0123456789ABCDEF, 8)]
PASS = PLACE + [(AT + 600000, 6), (7, 8)]

print("challenge", token(KEY, 1, 1, [(AT, 6), (0xFEDCBA9876543210, 8)]))
print("waits", token(KEY, 1, 2, WAITS))
print("shown", token(KEY, 1, 7, SHOWN))
print("pass", token(KEY, 1, 3, PASS))
print("called", token(KEY, 1, 4, PLACE + [(AT + 6000, 6), (AT + 126000, 6), (0x0123456789ABCDEF, 8)]))
print("work", token(KEY, 1, 5, [(AT, 6), (0xFEDCBA9876543210, 8), (16, 1)]))
print("provisional", token(KEY, 1, 6, [(99, 8), (AT - 3, 6), (2, 4), (0xFEDCBA9876543210, 8)]))
print("bound-pass", token(KEY, 1, 3, PASS, HOME))
